// Inner loops of range.cpp; included once per instruction set.

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

bool any_outside(const int64_t* values, int64_t count, int64_t size) {
  const uint64_t last = static_cast<uint64_t>(size) - 1;
  uint64_t bad = size > 0 ? 0 : static_cast<uint64_t>(count);
  for (int64_t i = 0; i < count; ++i) {
    // A negative value, or a negative distance to the last legal value, sets the sign bit.
    const uint64_t value = static_cast<uint64_t>(values[i]);
    bad |= (value | (last - value)) & (uint64_t{1} << 63);
  }
  return bad != 0;
}

bool any_column_outside(const int32_t* col, int64_t count, int64_t size) {
  // Sizes beyond 2^31 admit every column that is not negative.
  const uint32_t last = size > INT32_MAX ? INT32_MAX : static_cast<uint32_t>(size - 1);
  uint32_t bad = size > 0 ? 0 : static_cast<uint32_t>(count > 0);
  for (int64_t k = 0; k < count; ++k) bad |= static_cast<uint32_t>(col[k]) > last;
  return bad != 0;
}

bool any_descent(const int64_t* values, int64_t count) {
  int64_t bad = 0;
  for (int64_t i = 1; i < count; ++i) bad |= values[i] < values[i - 1];
  return bad != 0;
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
