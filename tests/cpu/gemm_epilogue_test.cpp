// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <type_traits>
#include <vector>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/packed_matrix.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/policy/networks/activations.hpp>

#include "../support/random_data.hpp"
#include "gemm_problem.hpp"

using namespace optiform;
using testing::relative_error;

namespace {

template <class T>
constexpr double tolerance = sizeof(T) == 8 ? 1e-12 : 1e-5;

// A product and the matrices its epilogue touches, in any scalar.
template <class T>
struct Layer {
  Index m, n, k;
  std::vector<T> a, b, c, bias, residual, kept;

  Layer(Index m_, Index n_, Index k_) : m(m_), n(n_), k(k_) {
    Rng rng(7);
    a = testing::normal<T>(rng, m * k, 0.3);
    b = testing::normal<T>(rng, k * n, 0.3);
    c = testing::normal<T>(rng, m * n);
    bias = testing::normal<T>(rng, n);
    residual = testing::normal<T>(rng, m * (n + 3));
    kept = testing::normal<T>(rng, m * (n + 1));
  }
  template <class U>
  explicit Layer(const Layer<U>& o)
      : m(o.m),
        n(o.n),
        k(o.k),
        a(testing::cast<T>(o.a)),
        b(testing::cast<T>(o.b)),
        c(testing::cast<T>(o.c)),
        bias(testing::cast<T>(o.bias)),
        residual(testing::cast<T>(o.residual)),
        kept(testing::cast<T>(o.kept)) {}

  template <class Backend, class Epilogue>
  void run(int threads, T beta, const Epilogue& e) {
    context_t<Backend> context(threads);
    kernels<Backend>::gemm(context, Transpose::no, Transpose::yes, m, n, k, T(0.5), a.data(), k,
                           b.data(), k, beta, c.data(), n, e);
  }
  auto forward() {
    return epilogue(AddBias<T>{bias.data()}, Keep<T>{kept.data(), n + 1}, Activate<Gelu>{},
                    AddMatrix<T>{residual.data(), n + 3});
  }
  auto backward() { return TimesDerivative<Gelu, T>{kept.data(), n + 1}; }
  auto backward_and_forward() { return TimesDerivativeAndActivate<Gelu, T>{kept.data(), n + 1}; }
};

// Alone, in pieces of k, in several blocks of rows and columns, in parts of several threads.
constexpr Index sizes[][3] = {
    {1, 1, 1}, {7, 50, 20}, {33, 97, 800}, {250, 130, 64}, {200, 1600, 9}};

template <class Backend, class T, class Describe>
void check(Describe&& describe) {
  for (const auto& s : sizes)
    for (const T beta : {T(0), T(-0.5)}) {
      Layer<T> one(s[0], s[1], s[2]), three(one);
      Layer<double> exact(one);
      one.template run<Backend>(1, beta, describe(one));
      three.template run<Backend>(3, beta, describe(three));
      exact.template run<Reference>(1, static_cast<double>(beta), describe(exact));
      INFO("m ", s[0], " n ", s[1], " k ", s[2]);
      CHECK(relative_error(one.c, exact.c) <= tolerance<T>);
      CHECK(relative_error(one.kept, exact.kept) <= tolerance<T>);
      CHECK(gemm_testing::same_bits(one.c, three.c));
      CHECK(gemm_testing::same_bits(one.kept, three.kept));
    }
}

// A provider that knows nothing of epilogues or threads.
struct PlainGemm {
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

TEST_CASE_TEMPLATE("Epilogues: bias, kept preactivation, activation, residual in one product", T,
                   float, double) {
  check<Cpu, T>([](auto& layer) { return layer.forward(); });
}

TEST_CASE_TEMPLATE("Epilogues: times the derivative of the activation", T, float, double) {
  check<Cpu, T>([](auto& layer) { return layer.backward(); });
  check<Cpu, T>([](auto& layer) { return layer.backward_and_forward(); });
}

TEST_CASE("Epilogues: a provider without them gets one more pass") {
  check<BasicCpu<PlainGemm>, float>([](auto& layer) { return layer.forward(); });
}

TEST_CASE("Epilogues: applied where there is nothing to multiply") {
  for (const float alpha : {0.0f, 1.0f})
    for (const Index k : {Index(0), Index(3)}) {
      if (alpha != 0 && k != 0) continue;
      const std::vector<float> a(6), b(6), bias = {1, -1};
      std::vector<float> c = {1, 2, 3, 4};
      CpuContext<ForkJoinPool> context(1);
      gemm<PackedGemm>(context, Transpose::no, Transpose::no, 2, 2, k, alpha, a.data(), 3, b.data(),
                       2, 2.0f, c.data(), 2, epilogue(AddBias<float>{bias.data()}));
      CHECK(c == std::vector<float>{3, 3, 7, 7});
    }
}

TEST_CASE_TEMPLATE("PackedMatrix: the same bits as the product that packs", T, float, double) {
  for (const auto& s :
       {std::array<Index, 3>{1, 70, 900}, {3, 1, 5}, {100, 530, 384}, {401, 96, 385}})
    for (const Transpose tb : gemm_testing::flips) {
      const gemm_testing::Problem<T> p(Transpose::no, tb, s[0], s[1], s[2], T(0.3), T(0.7), 2, 9);
      const auto expected = gemm_testing::serial_product<PackedGemm>(p);
      const PackedMatrix<T> packed(tb, p.g.n, p.g.k, p.g.b, p.g.ldb);
      CHECK(packed.rows() == p.g.k);
      CHECK(packed.columns() == p.g.n);
      for (const int threads : {1, 3}) {
        CpuContext<ForkJoinPool> context(threads);
        auto c = p.c;
        packed.multiply(context, p.g.m, p.g.alpha, p.g.a, p.g.lda, p.g.beta, c.data(), p.g.ldc);
        INFO("m ", s[0], " n ", s[1], " k ", s[2]);
        CHECK(gemm_testing::same_bits(c, expected));
      }
    }
}

TEST_CASE("PackedMatrix: epilogues, nothing to multiply, and sizes that cannot be") {
  const std::vector<float> b = {1, 2, 3, 4}, bias = {1, -1}, a = {1, 1};
  std::vector<float> c = {5, 6};
  CpuContext<ForkJoinPool> context(2);
  const PackedMatrix<float> packed(Transpose::no, 2, 2, b.data(), 2);
  packed.multiply(context, 1, 1.0f, a.data(), 2, 0.0f, c.data(), 2, AddBias<float>{bias.data()});
  CHECK(c == std::vector<float>{5, 5});
  packed.multiply(context, 1, 0.0f, a.data(), 2, 2.0f, c.data(), 2, AddBias<float>{bias.data()});
  CHECK(c == std::vector<float>{11, 9});
  PackedMatrix<float>(Transpose::no, 2, 0, b.data(), 2)
      .multiply(context, 1, 1.0f, a.data(), 2, 0.0f, c.data(), 2, AddBias<float>{bias.data()});
  CHECK(c == std::vector<float>{1, -1});
  CHECK_THROWS_WITH_AS(PackedMatrix<float>(Transpose::no, 3, 2, b.data(), 2),
                       "gemm: ldb = 2, expected at least a row of 3", Error);
}

namespace {
template <class T, Index Out, Index In>
void check_linear() {
  for (const Index rows : {0, 1, 2, 4, 5, 64}) {
    Layer<T> fast(rows, Out, In);
    Layer<double> exact(fast);
    const auto run = [&]<class Backend>(Backend, auto& layer) {
      context_t<Backend> context(1);
      kernels<Backend>::template linear<Out, In>(context, rows, layer.a.data(), layer.b.data(),
                                                 layer.c.data(), layer.forward());
    };
    run(Cpu{}, fast);
    run(Reference{}, exact);
    INFO("rows ", rows, " out ", Out, " in ", In);
    if (rows == 0) continue;
    CHECK(relative_error(fast.c, exact.c) <= tolerance<T>);
    CHECK(relative_error(fast.kept, exact.kept) <= tolerance<T>);
  }
  // Alone and among many, in one thread and in several.
  const Layer<T> many(200, Out, In);
  std::vector<T> all(200 * Out), alone(all);
  context_t<Cpu> context(3);
  using K = kernels<Cpu>;
  K::template linear<Out, In>(context, 200, many.a.data(), many.b.data(), all.data());
  for (Index r = 0; r < 200; ++r)
    K::template linear<Out, In>(context, 1, many.a.data() + r * In, many.b.data(),
                                alone.data() + r * Out);
  CHECK(gemm_testing::same_bits(all, alone));
}
}  // namespace

TEST_CASE_TEMPLATE("linear: products that are zero add up to a zero without a sign", T, float,
                   double) {
  const auto check = []<Index In>(std::integral_constant<Index, In>) {
    constexpr Index out = 64;
    const std::vector<T> x(In, T(-1)), w(out * In, T(0));
    std::vector<T> y(out, T(1));
    context_t<Cpu> context(1);
    kernels<Cpu>::template linear<out, In>(context, 1, x.data(), w.data(), y.data());
    CHECK(gemm_testing::same_bits(y, std::vector<T>(out)));
  };
  check(std::integral_constant<Index, 4>{});  // fills a register several times
  check(std::integral_constant<Index, 7>{});
}

TEST_CASE_TEMPLATE("linear: the CPU agrees with the reference at any size", T, float, double) {
  check_linear<T, 64, 4>();
  check_linear<T, 64, 64>();
  check_linear<T, 2, 64>();
  check_linear<T, 1, 1>();
  check_linear<T, 17, 33>();
  check_linear<T, 47, 7>();
  check_linear<T, 300, 100>();
}
