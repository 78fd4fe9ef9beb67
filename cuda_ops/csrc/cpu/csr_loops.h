// Inner loops of csr.cpp; included once per instruction set.

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

// Whether every edge has its ends in [0, rows) and [0, cols), which are below 2^31.
bool edges_inside(
    const int64_t* row, const int64_t* col, int64_t count, int64_t rows, int64_t cols) {
  uint64_t bad = 0;
  for (int64_t k = 0; k < count; ++k) {
    // A negative value, or a negative distance to the last legal one, sets the sign bit.
    const uint64_t r = static_cast<uint64_t>(row[k]), c = static_cast<uint64_t>(col[k]);
    bad |= r | (static_cast<uint64_t>(rows) - 1 - r) | c | (static_cast<uint64_t>(cols) - 1 - c);
  }
  return bad >> 63 == 0;
}

// Whether edges ascend strictly, by row and then column; ends are below 2^31. The edge before the first
// is read too.
bool edges_ascend(const int64_t* row, const int64_t* col, int64_t count) {
  uint64_t bad = 0;
  for (int64_t k = 0; k < count; ++k) {
    // The step of the pair as one number: zero and less have the sign bit after one is taken away.
    const uint64_t rows = static_cast<uint64_t>(row[k]) - static_cast<uint64_t>(row[k - 1]);
    const uint64_t cols = static_cast<uint64_t>(col[k]) - static_cast<uint64_t>(col[k - 1]);
    bad |= (rows << 31) + cols - 1;
  }
  return bad >> 63 == 0;
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
