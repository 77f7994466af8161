// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <optiform/rules/triple_momentum.hpp>

#include "boundary_rows.hpp"
#include "hand_written_rows.hpp"
#include "measure.hpp"

namespace bench {

/// The derived boundary program of triple momentum and its hand-written rival on the same numbers.
template <class T, Index Width>
class RowRivals {
 public:
  explicit RowRivals(Index rows) : derived(rows), threads_(1), scratch_(3 * Width) {
    const Index size = rows * Width;
    for (Buffer<T>* b : {&x_next_, &v_next_, &y_, &x_gradient_, &v_gradient_, &g_gradient_})
      b->reset(size);
    statistic_.reset(4 * rows);
    gain_gradient_.reset(2 * Width);
    const double* const c = derived.coefficient;  // mu, beta, gamma, nu; then of the next step
    hand = {.rows = rows,
            .c = {.mu = c[4], .beta = c[1], .gamma = c[2], .nu = c[3]},
            .x = derived.in[0].data(),
            .v = derived.in[1].data(),
            .g = derived.in[2].data(),
            .gain = derived.gain[0].data(),
            .next_gain = derived.gain[1].data(),
            .statistic = statistic_.data(),
            .x_next = x_next_.data(),
            .v_next = v_next_.data(),
            .y = y_.data(),
            .y_gradient = derived.adjoint[2].data(),
            .x_gradient = x_gradient_.data(),
            .v_gradient = v_gradient_.data(),
            .g_gradient = g_gradient_.data(),
            .gain_gradient = gain_gradient_.data(),
            .next_gain_gradient = gain_gradient_.data() + Width,
            .c_gradient = &c_gradient_};
    reset_adjoints();
  }

  void derived_forward(bool streaming) { derived.forward(threads_, streaming); }
  void derived_backward(bool streaming) { derived.backward(threads_, streaming); }
  void hand_forward(bool streaming) {
    streaming ? boundary_forward_by_hand<T, Width, true>(hand, scratch_.data())
              : boundary_forward_by_hand<T, Width, false>(hand, scratch_.data());
  }
  void hand_backward(bool streaming) {
    streaming ? boundary_backward_by_hand<T, Width, true>(hand, scratch_.data())
              : boundary_backward_by_hand<T, Width, false>(hand, scratch_.data());
  }
  void triad() {
    bench::triad<T>(derived.rows() * Width, T(0.5), derived.in[0].data(), derived.in[1].data(),
                    x_next_.data());
  }
  double triad_bytes() const { return 3 * sizeof(T) * static_cast<double>(derived.rows() * Width); }

  /// Backward passes replace the adjoints; repeated, they would grow without bounds.
  void reset_adjoints() {
    const auto one = [](const Buffer<T>& from, Buffer<T>& to) {
      std::copy(from.begin(), from.end(), to.begin());
    };
    if (start_[0].size() == 0)
      for (std::size_t i = 0; i < 2; ++i) {
        start_[i].reset(derived.adjoint[i].size());
        one(derived.adjoint[i], start_[i]);
      }
    one(start_[0], derived.adjoint[0]), one(start_[1], derived.adjoint[1]);
    one(start_[0], x_gradient_), one(start_[1], v_gradient_);
  }

  /// Stops the program unless both compute the same: ||difference|| <= tolerance ||derived||, and
  /// for sums over all rows against the sum of their terms' sizes.
  void check(bool streaming) {
    reset_adjoints();
    for (Buffer<T>& b : derived.gain_gradient) std::fill(b.begin(), b.end(), T(0));
    std::fill(gain_gradient_.begin(), gain_gradient_.end(), T(0));
    std::fill(derived.coefficient_gradient, derived.coefficient_gradient + 8, 0.0);
    c_gradient_ = {};
    derived_forward(streaming), hand_forward(streaming);
    derived_backward(streaming), hand_backward(streaming);
    const Index size = derived.rows() * Width;
    same("x", derived.out[0].data(), x_next_.data(), size, 1e-6);
    same("v", derived.out[1].data(), v_next_.data(), size, 1e-6);
    same("y", derived.out[2].data(), y_.data(), size, 1e-6);
    same("the gradient of x", derived.adjoint[0].data(), x_gradient_.data(), size, 1e-6);
    same("the gradient of v", derived.adjoint[1].data(), v_gradient_.data(), size, 1e-6);
    same("the gradient of g", derived.oracle_gradient.data(), g_gradient_.data(), size, 1e-6);
    // The order of summation over rows differs.
    same("the gradient of the gain", derived.gain_gradient[0].data(), gain_gradient_.data(), Width,
         1e-4);
    same("the gradient of the next gain", derived.gain_gradient[1].data(),
         gain_gradient_.data() + Width, Width, 1e-4);
    const double* const d = derived.coefficient_gradient;
    const double of_derived[] = {d[4], d[1], d[2], d[3]};
    const double of_hand[] = {c_gradient_.mu, c_gradient_.beta, c_gradient_.gamma, c_gradient_.nu};
    same("the gradients of the coefficients", of_derived, of_hand, 4, 1e-4);
    reset_adjoints();
  }

  BoundaryRows<TripleMomentum, T, Width> derived;
  HandWrittenBoundary<T> hand{};

 private:
  template <class U>
  static void same(const char* what, const U* a, const U* b, Index n, double tolerance) {
    double difference = 0, size = 0;
    for (Index i = 0; i < n; ++i) {
      const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
      difference += (x - y) * (x - y);
      size += x * x;
    }
    if (size > 0 && std::sqrt(difference / size) <= tolerance) return;
    std::fprintf(stderr, "row programs: %s differs by %g from the hand-written loop's\n", what,
                 std::sqrt(difference / size));
    std::exit(1);
  }

  CpuContext<ForkJoinPool> threads_;
  Buffer<T> scratch_, x_next_, v_next_, y_, x_gradient_, v_gradient_, g_gradient_;
  Buffer<T> statistic_, gain_gradient_, start_[2];
  TripleMomentumCoefficients c_gradient_{};
};

/// Prints what the row programs reach of memory's speed and of a hand-written loop's.
inline void print_row_figures(bool quick) {
  constexpr Index width = 768;
  struct Pass {
    const char* name;
    std::vector<double> triad, derived, hand;
  };
  const auto measured = [](RowRivals<float, width>& rows, int rounds, int calls, bool streaming) {
    Pass forward{.name = "forward", .triad = {}, .derived = {}, .hand = {}};
    Pass backward{.name = "backward", .triad = {}, .derived = {}, .hand = {}};
    const auto timed = [&](auto&& f) {
      f();
      return thread_seconds([&] {
        for (int i = 0; i < calls; ++i) f();
      });
    };
    for (int round = 0; round < rounds; ++round) {
      rows.reset_adjoints();
      forward.triad.push_back(timed([&] { rows.triad(); }));
      forward.derived.push_back(timed([&] { rows.derived_forward(streaming); }));
      forward.hand.push_back(timed([&] { rows.hand_forward(streaming); }));
      backward.derived.push_back(timed([&] { rows.derived_backward(streaming); }));
      backward.hand.push_back(timed([&] { rows.hand_backward(streaming); }));
    }
    backward.triad = forward.triad;
    return std::vector<Pass>{forward, backward};
  };
  const auto print = [](const std::string& name, double value) {
    std::printf("%s %.3f\n", name.c_str(), value);
  };

  {
    RowRivals<float, width> rows(quick ? 4096 : 16384);
    rows.check(true);
    for (const Pass& pass : measured(rows, quick ? 3 : 15, 1, true)) {
      const std::string name = std::string("row_program_") + pass.name;
      const double bytes =
          pass.name[0] == 'f' ? rows.derived.forward_bytes() : rows.derived.backward_bytes();
      print(name + "_over_triad",
            bytes / rows.triad_bytes() * median(ratios(pass.triad, pass.derived)));
      print(name + "_over_hand", median(ratios(pass.derived, pass.hand)));
      std::printf("# %s: triad %.2f ms, derived %.2f ms, hand-written %.2f ms (medians)\n",
                  pass.name, 1e3 * median(pass.triad), 1e3 * median(pass.derived),
                  1e3 * median(pass.hand));
    }
  }
  RowRivals<float, width> rows(96);
  rows.check(false);
  for (const Pass& pass : measured(rows, quick ? 3 : 101, 20, false))
    print(std::string("row_program_") + pass.name + "_over_hand_in_cache",
          median(ratios(pass.derived, pass.hand)));
}

}  // namespace bench
