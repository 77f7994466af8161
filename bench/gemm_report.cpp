// SPDX-License-Identifier: MIT
// Matrix products of transformer training beside oneDNN and OpenBLAS, each with its own threads,
// and the forward pass of a small network: figures as lines of `key value`.
//   bench/gemm_report [M...]     rows of the products, 256 1024 4096 by default; about two minutes
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <optiform/cpu/kernels.hpp>
#include <optiform/policy/networks/activations.hpp>
#include <optiform/policy/networks/dense_network.hpp>

#ifdef OPTIFORM_BENCH_ONEDNN
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#endif
#ifdef OPTIFORM_BENCH_CBLAS
#include <cblas.h>
extern "C" void openblas_set_num_threads(int) __attribute__((weak));
#endif

#include "support/gemm_cases.hpp"
#include "support/measure.hpp"
#include "support/pinned.hpp"

namespace {

using namespace optiform;

// Ours and the peers: a product in `threads` threads, 1 or 2.
struct Ours {
  static constexpr const char* name = "ours";
  CpuContext<ForkJoinPool> one{1}, two{2};
  void operator()(const GemmArguments<float>& g, int threads) {
    gemm<PackedGemm>(threads == 1 ? one : two, g);
  }
};
#ifdef OPTIFORM_BENCH_ONEDNN
struct OneDnn {
  static constexpr const char* name = "onednn";
  void operator()(const GemmArguments<float>& g, int threads) {
    using Set = void (*)(int);
    static const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    if (set != nullptr) set(threads);
    dnnl_sgemm(g.transpose_a == Transpose::yes ? 'T' : 'N',
               g.transpose_b == Transpose::yes ? 'T' : 'N', g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b,
               g.ldb, g.beta, g.c, g.ldc);
  }
};
#endif
#ifdef OPTIFORM_BENCH_CBLAS
struct OpenBlas {
  static constexpr const char* name = "openblas";
  void operator()(const GemmArguments<float>& g, int threads) {
    const auto size = [](Index n) { return static_cast<int>(n); };
    const auto flip = [](Transpose t) { return t == Transpose::yes ? CblasTrans : CblasNoTrans; };
    openblas_set_num_threads(threads);
    cblas_sgemm(CblasRowMajor, flip(g.transpose_a), flip(g.transpose_b), size(g.m), size(g.n),
                size(g.k), g.alpha, g.a, size(g.lda), g.b, size(g.ldb), g.beta, g.c, size(g.ldc));
  }
};
#endif

class GeometricMean {
 public:
  void add(double value) { log_ += std::log(value), ++count_; }
  double value() const { return std::exp(log_ / count_); }

 private:
  double log_ = 0;
  int count_ = 0;
};

// Seconds of one product, the threads awake and nobody else's still spinning.
template <class Provider>
double time(Provider& provider, const GemmArguments<float>& g, int threads) {
  if (threads == 2) std::this_thread::sleep_for(std::chrono::milliseconds(8));
  provider(g, threads);
  if (threads == 2) bench::pin_two_threads();
  const double once = bench::seconds([&] { provider(g, threads); });
  const int calls = std::min(20, static_cast<int>(2e-3 / once));
  if (calls < 2) return once;
  std::vector<double> times;
  for (int i = 0; i < calls; ++i) times.push_back(bench::seconds([&] { provider(g, threads); }));
  return bench::median(times);
}

template <class Peer>
void compare(const std::vector<Index>& sizes, int pairs) {
  Ours ours;
  Peer peer;
  GeometricMean all, with[3], speedup, share[3];
  for (const Index m : sizes)
    for (const auto& layer : bench::layers)
      for (const auto& [product, name] : bench::products) {
        GemmArguments<float> g = bench::arguments<float>(product, m, layer[0], layer[1]);
        const std::vector<float> a(static_cast<std::size_t>(g.m * g.k), 0.5f);
        const std::vector<float> b(static_cast<std::size_t>(g.k * g.n), 0.25f);
        std::vector<float> c(static_cast<std::size_t>(g.m * g.n));
        g.a = a.data(), g.b = b.data(), g.c = c.data();
        double best[3];
        for (const int threads : {1, 2}) {
          std::vector<double> mine, other;
          for (int i = 0; i < (m < 4096 ? pairs : std::min(pairs, 2)); ++i) {
            mine.push_back(time(ours, g, threads));
            other.push_back(time(peer, g, threads));
          }
          best[threads] = bench::median(mine);
          const double ratio = bench::median(bench::ratios(other, mine));
          all.add(ratio), with[threads].add(ratio);
          const double rate = bench::operations(g) / best[threads] * 1e-9;
          share[threads].add(rate);
          std::fprintf(stderr, "%-8s M %4td N %4td K %4td %-3s threads %d: %6.1f GFLOP/s, %.2f\n",
                       Peer::name, m, layer[0], layer[1], name, threads, rate, ratio);
        }
        speedup.add(best[1] / best[2]);
      }
  if (std::string(Peer::name) != "ours") {
    std::printf("gemm_over_%s %.3f\n", Peer::name, all.value());
    for (const int threads : {1, 2})
      std::printf("gemm_over_%s_%d %.3f\n", Peer::name, threads, with[threads].value());
  }
  if (std::string(Peer::name) == "openblas") return;
  for (const int threads : {1, 2})
    std::printf("gemm_gflops_%d %.1f\n", threads, share[threads].value());
  std::printf("gemm_two_thread_speedup %.3f\n", speedup.value());
  std::fflush(stdout);
}

// The policy and the critic of a small problem, in one thread.
template <class Activation>
void network(const char* suffix) {
  using Network = DenseNetwork<Activation, 4, 64, 64, 2>;
  CpuContext<ForkJoinPool> context(1);
  typename Network::template on<Cpu, float> net(context);
  std::vector<float> parameters(static_cast<std::size_t>(Network::size));
  Rng rng(1);
  Network::initialise(rng, 0.01, parameters.data());
  const std::vector<float> x(256 * 4, 0.3f);
  for (const Index batch : {1, 64, 256}) {
    std::vector<double> times;
    const int calls = static_cast<int>(4000 / batch + 10);
    for (int i = 0; i < 31; ++i)
      times.push_back(bench::thread_seconds([&] {
                        for (int call = 0; call < calls; ++call) {
                          net.forward(parameters.data(), batch, x.data());
                          asm volatile("" ::: "memory");
                        }
                      }) /
                      calls);
    const double ns = 1e9 * bench::median(times) / static_cast<double>(batch);
    if (batch == 1)
      std::printf("mlp_forward_ns%s %.0f\n", suffix, ns);
    else
      std::printf("mlp_forward_ns_per_sample_%td%s %.1f\n", batch, suffix, ns);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Index> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::atol(argv[i]));
  for (const Index m : sizes)
    if (m < 1) return std::fprintf(stderr, "gemm_report: expected numbers of rows\n"), 1;
  if (sizes.empty()) sizes = {256, 1024, 4096};
  std::printf("core_peak_gflops %.1f\n", bench::multiply_add_rate<float>(4000000) * 1e-9);
  network<Tanh>("");
  network<Relu>("_relu");
#ifdef OPTIFORM_BENCH_ONEDNN
  compare<OneDnn>(sizes, 3);
#else
  // Against itself: the speed and the gain of the second thread.
  compare<Ours>(sizes, 3);
#endif
#ifdef OPTIFORM_BENCH_CBLAS
  if (openblas_set_num_threads != nullptr) compare<OpenBlas>(sizes, 1);
#endif
}
