// SPDX-License-Identifier: MIT
// Row operations on matrices, one thread: time per token, and the additions and multiplications
// they cannot do without as a share of the multiply-add rate of the same run.
//   bench/operations
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include <optiform/core/memory.hpp>
#include <optiform/cpu/row_operations.hpp>
#include <optiform/rules/operations/gram.hpp>
#include <optiform/rules/operations/orthogonalise.hpp>
#include <optiform/rules/operations/precondition.hpp>

#include "support/measure.hpp"

namespace {

using namespace optiform;

template <class T>
Buffer<T> normal(Rng& rng, Index n) {
  Buffer<T> values(n);
  for (T& value : values) value = static_cast<T>(rng.normal());
  return values;
}

/// Covariances of `rows` tokens: the identity and a few random rows.
template <class T, UnitShape S>
Buffer<T> squares(Rng& rng, Index rows) {
  const Index size = S.size(Unit::square);
  Buffer<T> values(rows * size);
  for (Index row = 0; row < rows; ++row) {
    const auto g = normal<T>(rng, S.head_dim);
    T* const r = values.data() + row * size;
    for (Index i = 0, at = 0; i < S.head_dim; ++i)
      for (Index j = 0; j <= i; ++j, ++at) r[at] = T(i == j) + g.data()[i] * g.data()[j];
  }
  return values;
}

struct Turns {
  std::vector<double> time, share;
  void add(double seconds, double operations, double peak) {
    time.push_back(seconds);
    share.push_back(operations / (seconds * peak));
  }
};

template <class T, UnitShape S, class Operation>
void report(const char* name, Index rows) {
  using Kernel = RowOperationKernel<Operation, S, T>;
  Rng rng(1);
  Buffer<T> operand[2], operand_adjoint[2];
  const T* in[2];
  T* out[2];
  for (int k = 0; k < Operation::operands; ++k) {
    const Unit unit = Operation::operand[k];
    operand[k] = unit == Unit::row ? normal<T>(rng, rows * S.size(unit)) : squares<T, S>(rng, rows);
    operand_adjoint[k].reset(operand[k].size());
    in[k] = operand[k].data();
    out[k] = operand_adjoint[k].data();
  }
  const auto adjoint = normal<T>(rng, rows * S.size(Operation::result));
  Buffer<T> result(adjoint.size());
  std::vector<std::byte> workspace(static_cast<std::size_t>(Kernel::workspace_bytes()));
  Turns forward, backward;
  const auto n = static_cast<double>(rows);
  for (int turn = -2; turn < 15; ++turn) {
    const double peak = bench::multiply_add_rate<T>(100000);
    const double f =
        bench::thread_seconds([&] { Kernel::forward(rows, in, result.data(), workspace.data()); });
    const double b = bench::thread_seconds(
        [&] { Kernel::backward(rows, in, adjoint.data(), out, workspace.data()); });
    if (turn < 0) continue;
    forward.add(f, n * Operation::template forward_operations<S>(), peak);
    backward.add(b, n * Operation::template backward_operations<S>(), peak);
  }
  const auto print = [&](const char* pass, const Turns& turns) {
    std::printf("%s_%s_%dx%d_ns %.0f\n", name, pass, S.heads, S.head_dim,
                1e9 * bench::median(turns.time) / n);
    std::printf("%s_%s_%dx%d_peak_fraction %.3f\n", name, pass, S.heads, S.head_dim,
                bench::median(turns.share));
  };
  print("forward", forward);
  print("backward", backward);
  std::fflush(stdout);
}

template <UnitShape S>
void report_shape(Index rows) {
  report<float, S, Orthogonalise<>>("orthogonalise", rows);
  report<float, S, Orthogonalise<PolarExpress>>("polar_express", rows);
  report<float, S, Gram>("gram", rows);
  const Index few = S.head_dim >= 32 ? rows / 16 : rows;
  report<float, S, Precondition<>>("precondition", few);
  report<float, S, Precondition<UncoupledInverseRoot>>("precondition_uncoupled", few);
}

}  // namespace

int main() {
  std::printf("# float, one thread; heads x head_dim in the names\n");
  report_shape<UnitShape{6, 64}>(1024);
  report_shape<UnitShape{12, 64}>(1024);
  report_shape<UnitShape{12, 16}>(1024);
}
