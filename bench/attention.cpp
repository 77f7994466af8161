// SPDX-License-Identifier: MIT
// Attention as a share of the multiply-add rate of the same run: one 'key value' line per figure.
// Useful operations are counted: two products of the visible scores forward, four backward; the
// scores that backward computes again are not.
//   bench/attention
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <optiform/cpu/kernels.hpp>

#include "support/measure.hpp"

namespace {

using namespace optiform;

struct Shares {
  double forward, backward, both;
};

Buffer<float> normal(Rng& rng, Index n) {
  Buffer<float> values(n);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

/// Medians of turns that follow each other, peak and kernels in each.
Shares measure(const AttentionProblem& p, int threads) {
  using K = kernels<Cpu>;
  context_t<Cpu> context(threads);
  Rng rng(1);
  const Index tokens = p.batch * p.length;
  const auto qkv = normal(rng, tokens * p.token_stride());
  const auto out_gradient = normal(rng, tokens * p.out_stride());
  Buffer<float> out(out_gradient.size()), lse(tokens * p.heads), qkv_gradient(qkv.size());
  double product = 0;
  for (Index t = 0; t < p.length; ++t)
    product += 2 * static_cast<double>((p.end_seen(t) - p.first_seen(t)) * p.head_dim);
  product *= static_cast<double>(p.batch * p.heads);
  std::vector<double> forward, backward, both;
  for (int turn = -3; turn < 40; ++turn) {
    std::vector<double> rates(static_cast<std::size_t>(threads));
    context.parallel(threads, [&](Index task, int) {
      rates[static_cast<std::size_t>(task)] = bench::multiply_add_rate<float>(100000);
    });
    const double peak = bench::median(rates) * threads;
    const double f = bench::seconds(
        [&] { K::attention_forward(context, p, qkv.data(), out.data(), lse.data()); });
    const double b = bench::seconds([&] {
      K::attention_backward(context, p, qkv.data(), out.data(), lse.data(), out_gradient.data(),
                            qkv_gradient.data());
    });
    if (turn < 0) continue;
    forward.push_back(2 * product / (f * peak));
    backward.push_back(4 * product / (b * peak));
    both.push_back(6 * product / ((f + b) * peak));
  }
  return {bench::median(forward), bench::median(backward), bench::median(both)};
}

void report(const std::string& name, const Shares& s) {
  std::printf("attention_peak_fraction%s %.3f\n", name.c_str(), s.both);
  std::printf("attention_forward_peak_fraction%s %.3f\n", name.c_str(), s.forward);
  std::printf("attention_backward_peak_fraction%s %.3f\n", name.c_str(), s.backward);
  std::fflush(stdout);
}

}  // namespace

int main() {
  AttentionProblem p{.batch = 1, .length = 1024, .heads = 12, .head_dim = 64, .scale = 0.125};
  std::printf("# causal, 12 heads of 64, 1 x 1024 tokens, two threads unless named\n");
  report("", measure(p, 2));
  report("_one_thread", measure(p, 1));
  AttentionProblem grouped = p, windowed = p, small = p, tiny = p;
  grouped.kv_heads = 4;
  report("_grouped", measure(grouped, 2));
  windowed.window = 256;
  report("_window", measure(windowed, 2));
  std::printf("# 6 heads of 64, 8 x 256 tokens; 12 heads of 64, 4 x 64 tokens\n");
  small.batch = 8, small.length = 256, small.heads = 6;
  report("_256", measure(small, 2));
  report("_256_one_thread", measure(small, 1));
  tiny.batch = 4, tiny.length = 64;
  report("_64", measure(tiny, 2));
}
