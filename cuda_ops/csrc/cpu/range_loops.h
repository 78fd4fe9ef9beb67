// Inner loops of range_kernel.cpp; included once per instruction set.

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

bool any_descent(const int64_t* values, int64_t count) {
  int64_t bad = 0;
  for (int64_t i = 1; i < count; ++i) bad |= values[i] < values[i - 1];
  return bad != 0;
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
