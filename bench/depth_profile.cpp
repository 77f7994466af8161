// SPDX-License-Identifier: MIT
// Where the time of a training step goes: the same model on a backend that times every primitive.
//   bench/depth_profile [small|gpt2|gpt2_long] [THREADS]
// For each part: its milliseconds per step and its share; of matrix products also GFLOP/s.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <type_traits>

#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "support/measure.hpp"
#include "support/training.hpp"

namespace bench {

enum Part {
  gemm_forward,
  gemm_input_gradient,
  gemm_weight_gradient,
  attention_forward,
  attention_backward,
  activation,
  row_programs,
  optimizer_step,
  embedding,
  cross_entropy,
  gradient_norm,
  fill,
  parts
};
constexpr const char* part_name[] = {
    "gemm_forward",       "gemm_input_gradient", "gemm_weight_gradient", "attention_forward",
    "attention_backward", "activation",          "row_programs",         "optimizer_step",
    "embedding",          "cross_entropy",       "gradient_norm",        "fill"};

inline std::array<double, parts> spent{}, operations{};

template <class F>
auto timed(Part part, F&& f) {
  const auto start = std::chrono::steady_clock::now();
  struct Stop {
    Part part;
    std::chrono::steady_clock::time_point start;
    ~Stop() {
      spent[part] +=
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
  } stop{part, start};
  return f();
}

/// The CPU backend with a clock around every primitive.
struct Timed {};

template <class P>
inline constexpr bool is_weight_step = false;
template <class R, bool Clear, bool Increment>
inline constexpr bool is_weight_step<Forward<optiform::detail::WeightStep<R, Clear, Increment>>> =
    true;

}  // namespace bench

OPTIFORM_NAMESPACE_BEGIN

template <>
struct kernels<bench::Timed> {
  using K = kernels<Cpu>;
  using Context = K::Context;

  template <class P, Index Length = 0, int Heads = 1, class T>
  static void run_rows(Context& c, const RowArguments<T>& a) {
    const auto part = bench::is_weight_step<P> ? bench::optimizer_step : bench::row_programs;
    bench::timed(part, [&] { K::run_rows<P, Length, Heads>(c, a); });
  }
  template <class P, class F>
  static void run_rows_batch(Context& c, Index count, F&& arguments) {
    const auto part = bench::is_weight_step<P> ? bench::optimizer_step : bench::row_programs;
    bench::timed(part, [&] { K::run_rows_batch<P>(c, count, arguments); });
  }
  template <class T, class Epilogue = NoEpilogue>
  static void gemm(Context& c, Transpose ta, Transpose tb, Index m, Index n, Index k, T alpha,
                   const T* a, Index lda, const T* b, Index ldb, T beta, T* out, Index ldc,
                   const Epilogue& epilogue = {}) {
    const auto part = ta == Transpose::yes   ? bench::gemm_weight_gradient
                      : tb == Transpose::yes ? bench::gemm_forward
                                             : bench::gemm_input_gradient;
    bench::operations[part] += 2.0 * static_cast<double>(m * n) * static_cast<double>(k);
    bench::timed(part, [&] {
      K::gemm(c, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, out, ldc, epilogue);
    });
  }
  template <class T>
  static void attention_forward(Context& c, const AttentionProblem& p, const T* qkv, T* out,
                                T* lse) {
    bench::timed(bench::attention_forward, [&] { K::attention_forward(c, p, qkv, out, lse); });
  }
  template <class T>
  static void attention_backward(Context& c, const AttentionProblem& p, const T* qkv, const T* out,
                                 const T* lse, const T* out_gradient, T* qkv_gradient) {
    bench::timed(bench::attention_backward,
                 [&] { K::attention_backward(c, p, qkv, out, lse, out_gradient, qkv_gradient); });
  }
  template <class T>
  static void attention_decode(Context& c, const AttentionProblem& p, const Index* past,
                               const T* qkv, T* keys, T* values, Index capacity, T* out) {
    bench::timed(bench::attention_forward,
                 [&] { K::attention_decode(c, p, past, qkv, keys, values, capacity, out); });
  }
  template <class Activation, class T>
  static void activation_forward(Context& c, Index n, const T* x, T* y) {
    bench::timed(bench::activation, [&] { K::activation_forward<Activation>(c, n, x, y); });
  }
  template <class Activation, class T>
  static void activation_backward(Context& c, Index n, const T* x, const T* dy, T* dx) {
    bench::timed(bench::activation, [&] { K::activation_backward<Activation>(c, n, x, dy, dx); });
  }
  template <class T>
  static void heads_forward(Context& c, const AttentionProblem& p, const HeadTransform<T>& t,
                            T* qkv, T* scale) {
    bench::timed(bench::activation, [&] { K::heads_forward(c, p, t, qkv, scale); });
  }
  template <class T>
  static void heads_backward(Context& c, const AttentionProblem& p, const HeadTransform<T>& t,
                             const T* qkv, const T* scale, T* qkv_gradient) {
    bench::timed(bench::activation, [&] { K::heads_backward(c, p, t, qkv, scale, qkv_gradient); });
  }
  template <class Activation, class T>
  static void gate_forward(Context& c, Index rows, Index hidden, const T* ab, T* out) {
    bench::timed(bench::activation, [&] { K::gate_forward<Activation>(c, rows, hidden, ab, out); });
  }
  template <class Activation, class T>
  static void gate_backward(Context& c, Index rows, Index hidden, const T* ab, T* out, T* dab) {
    bench::timed(bench::activation,
                 [&] { K::gate_backward<Activation>(c, rows, hidden, ab, out, dab); });
  }
  template <class T>
  static void embedding_forward(Context& c, Index batch, Index length, Index width,
                                const std::int32_t* ids, const T* tokens, const T* positions,
                                T* out) {
    bench::timed(bench::embedding, [&] {
      K::embedding_forward(c, batch, length, width, ids, tokens, positions, out);
    });
  }
  template <class T>
  static void embedding_backward(Context& c, Index batch, Index length, Index width,
                                 const std::int32_t* ids, const T* out_gradient, T* tokens,
                                 T* positions) {
    bench::timed(bench::embedding, [&] {
      K::embedding_backward(c, batch, length, width, ids, out_gradient, tokens, positions);
    });
  }
  template <class T>
  static void cross_entropy(Context& c, Index rows, Index vocabulary, T* logits,
                            const std::int32_t* targets, double scale, double* losses,
                            double soft_cap = 0) {
    bench::timed(bench::cross_entropy, [&] {
      K::cross_entropy(c, rows, vocabulary, logits, targets, scale, losses, soft_cap);
    });
  }
  template <class T>
  static double sum_of_squares(Context& c, Index n, const T* x) {
    return bench::timed(bench::gradient_norm, [&] { return K::sum_of_squares(c, n, x); });
  }
  template <class T>
  static void fill(Context& c, Index n, T value, T* x) {
    bench::timed(bench::fill, [&] { K::fill(c, n, value, x); });
  }
  template <class T>
  static void copy(Context& c, Index n, const T* x, T* y) {
    bench::timed(bench::fill, [&] { K::copy(c, n, x, y); });
  }
};

OPTIFORM_NAMESPACE_END

namespace {

using namespace bench;

template <class R, class Shape>
void profile(const std::string& rule, int threads) {
  constexpr int steps = Shape::vocabulary > 10000 ? 2 : 8;
  TrainingSteps<R, Shape, Timed> training(threads);
  training.run(), training.run();
  spent = {}, operations = {};
  const double total = seconds([&] {
    for (int i = 0; i < steps; ++i) training.run();
  });
  const auto line = [&](const char* part, double time, double work) {
    std::printf("%s_%s_ms %.2f\n", rule.c_str(), part, 1e3 * time / steps);
    std::printf("# %.1f %%", 100 * time / total);
    if (work > 0) std::printf(", %.0f GFLOP/s", 1e-9 * work / time);
    std::printf("\n");
  };
  double rest = total;
  for (std::size_t p = 0; p < parts; ++p) {
    line(part_name[p], spent[p], operations[p]);
    rest -= spent[p];
  }
  line("other", rest, 0);
  line("step", total, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string shape = argc > 1 ? argv[1] : "small";
  const int threads =
      argc > 2 ? std::atoi(argv[2]) : static_cast<int>(std::thread::hardware_concurrency());
  if (shape == "small") {
    profile<GradientDescent, SmallShape>("vanilla", threads);
    profile<TripleMomentum, SmallShape>("tmm", threads);
  } else if (shape == "gpt2") {
    profile<GradientDescent, Gpt2Short>("vanilla", threads);
  } else if (shape == "gpt2_long") {
    profile<GradientDescent, Gpt2Long>("vanilla", threads);
  } else {
    std::fprintf(stderr,
                 "bench/depth_profile: shape '%s' is unknown; expected small, gpt2 or gpt2_long\n",
                 shape.c_str());
    return 2;
  }
}
