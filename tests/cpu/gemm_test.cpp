// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <optiform/cpu/gemm.hpp>

#include "gemm_problem.hpp"

using namespace optiform;
using namespace gemm_testing;

TEST_CASE_TEMPLATE(
    "PackedGemm: agrees with plain loops for every transpose, odd sizes and long rows", T, float,
    double) {
  check_sizes<PackedGemm, T>();
}

TEST_CASE("PackedGemm: every number of rows and columns up to two tiles, column ends included") {
  for (Index m = 1; m <= 2 * detail::GemmTile::rows + 1; ++m)
    for (Index n = 1; n <= 2 * detail::GemmTile::columns<float> + 1;
         n += (n % 16 < 2 || n % 16 == 15) ? 1 : 5) {
      const Problem<float> p(Transpose::no, n % 2 ? Transpose::no : Transpose::yes, m, n, 6, 1.0f,
                             0.5f, 1, static_cast<std::uint64_t>(m * 1000 + n));
      CAPTURE(m);
      CAPTURE(n);
      p.check(serial_product<PackedGemm>(p));
    }
}

TEST_CASE("PackedGemm: products beyond one block of rows, columns and depth") {
  for (const Transpose ta : flips)
    for (const Transpose tb : flips) {
      // beta belongs to the first block of depth only.
      for (const float beta : {0.0f, -0.5f}) {
        const Problem<float> p(ta, tb, 101, 75, 801, -1.0f, beta, 3, 77);
        p.check(product<PackedGemm>(p, 2));
      }
    }
  const Problem<float> wide(Transpose::no, Transpose::yes, 5, PackedGemm::block_columns + 100, 9,
                            1.0f, 0.0f, 0, 78);
  wide.check(serial_product<PackedGemm>(wide));
  const Problem<float> tall(Transpose::no, Transpose::no, 1636, 37, 11, 1.0f, 0.0f, 0, 79);
  tall.check(product<PackedGemm>(tall, 2));
}

TEST_CASE_TEMPLATE("PackedGemm: alpha and beta of 0 and 1, and sizes of 0", T, float, double) {
  check_factors<PackedGemm, T>();
}

TEST_CASE_TEMPLATE("PackedGemm: beta = 0 does not read C, alpha = 0 reads neither A nor B", T,
                   float, double) {
  check_unread<PackedGemm, T>();
}

TEST_CASE_TEMPLATE("PackedGemm: the result does not depend on the number of threads", T, float,
                   double) {
  check_threads<PackedGemm, T>();
}

TEST_CASE("PackedGemm: an element depends on its row and column only, not on the tile it is in") {
  const Problem<float> p(Transpose::no, Transpose::yes, 40, 90, 450, 0.3f, 0.7f, 2, 31);
  const auto whole = serial_product<PackedGemm>(p);
  for (const Index m : {Index(1), Index(3), Index(13), Index(39)})
    for (const Index n : {Index(1), Index(17), Index(50), Index(89)}) {
      Problem<float> part = p;
      part.g.a = p.g.a;
      part.g = p.g.part(40 - m, m, 90 - n, n);
      part.c.assign(p.c.begin() + (40 - m) * p.g.ldc + 90 - n, p.c.end());
      const auto result = serial_product<PackedGemm>(part);
      bool same = true;
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < n; ++j)
          same = same && result[static_cast<std::size_t>(i * p.g.ldc + j)] ==
                             whole[static_cast<std::size_t>((40 - m + i) * p.g.ldc + 90 - n + j)];
      CHECK(same);
    }
}

TEST_CASE("PackedGemm: a part of a product needs no more scratch memory than the whole") {
  const Problem<float> p(Transpose::no, Transpose::no, 600, 3200, 2, 1.0f, 0.0f, 0, 1);
  Index before = 0;
  for (Index m = 1; m <= 600; ++m) {
    const Index bytes = gemm_scratch_bytes<PackedGemm>(p.g.part(0, m, 0, 1500));
    CHECK(bytes >= before);
    before = bytes;
  }
  for (const Index m : {Index(100), Index(600)}) {
    before = 0;
    for (Index n = 1; n <= 3200; ++n) {
      const Index bytes = gemm_scratch_bytes<PackedGemm>(p.g.part(0, m, 0, n));
      CHECK(bytes >= before);
      before = bytes;
    }
  }
  // Two parts of unlike height, the smaller one in one block of rows.
  const Problem<float> uneven(Transpose::no, Transpose::yes, 513, 48, 384, 1.0f, 0.0f, 0, 2);
  CHECK(same_bits(product<PackedGemm>(uneven, 2), serial_product<PackedGemm>(uneven)));
}

TEST_CASE("gemm: inside a parallel task the calling thread does the product alone") {
  const Problem<float> p(Transpose::no, Transpose::yes, 120, 130, 140, 1.0f, 0.0f, 0, 41);
  const auto expected = serial_product<PackedGemm>(p);
  CpuContext<ForkJoinPool> context(3);
  std::vector<std::vector<float>> results(12, p.c);
  context.parallel(12, [&](Index task, int) {
    GemmArguments<float> g = p.g;
    g.c = results[static_cast<std::size_t>(task)].data();
    gemm<PackedGemm>(context, g);
  });
  for (const auto& result : results) CHECK(same_bits(result, expected));
}

TEST_CASE("gemm: sizes that cannot be are refused by name") {
  CpuContext<ForkJoinPool> context(1);
  Problem<float> p(Transpose::no, Transpose::no, 4, 5, 6, 1.0f, 0.0f, 0, 1);
  auto refused = [&](GemmArguments<float> g, const std::string& sentence) {
    CHECK_THROWS_WITH_AS(gemm<PackedGemm>(context, g), sentence.c_str(), Error);
  };
  GemmArguments<float> g = p.g;
  g.lda = 5;
  refused(g, "gemm: lda = 5, expected at least a row of 6");
  g = p.g;
  g.ldc = 4;
  refused(g, "gemm: ldc = 4, expected at least a row of 5");
  g = p.g;
  g.k = -1;
  refused(g, "gemm: m = 4, n = 5, k = -1, expected sizes of 0 or more");
}

namespace {
// A provider that knows nothing of threads.
struct SerialGemm {
  template <class T>
  static Index scratch_bytes(const GemmArguments<T>& g) {
    return PackedGemm::scratch_bytes(g);
  }
  template <class T>
  static void serial(std::byte* scratch, const GemmArguments<T>& g) {
    PackedGemm::serial(scratch, g);
  }
};
}  // namespace

TEST_CASE("gemm: a provider without threads is called on tiles, each with its own operands") {
  for (const Transpose ta : flips)
    for (const Transpose tb : flips) {
      const Problem<float> p(ta, tb, 150, 530, 40, 2.0f, 0.5f, 1, 91);
      CHECK(same_bits(product<SerialGemm>(p, 3), serial_product<PackedGemm>(p)));
    }
}
