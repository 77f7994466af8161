// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/core/attention_problem.hpp>
#include <optiform/core/config.hpp>
#include <optiform/cpu/attention_backward.hpp>
#include <optiform/cpu/attention_forward.hpp>
#include <optiform/cpu/attention_tile.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// Positions of one task: few enough for the second-level cache, and for a dozen tasks or more
/// where the sequence is long enough to be worth its division.
template <class T>
Index attention_piece(const AttentionProblem& p) {
  constexpr Index most = AttentionTile<T>::piece, least = 128, tasks = 12;
  const auto divided = [](Index n, Index by) { return (n + by - 1) / by; };
  const Index for_tasks = divided(tasks, p.batch * p.key_heads());
  const Index pieces = std::max(divided(p.length, most), std::min(for_tasks, p.length / least));
  return round_up(divided(p.length, std::max<Index>(1, pieces)), AttentionTile<T>::block);
}

/// See kernels<Reference>::attention_forward. A task is a piece of one head's queries; the last
/// pieces, which see most, come first.
template <class Context, class T>
void attention_forward(Context& context, const AttentionProblem& problem, const T* qkv, T* out,
                       T* log_sum_exp) {
  check(problem);
  if (problem.batch == 0 || problem.length == 0) return;
  const Index piece = attention_piece<T>(problem), heads = problem.batch * problem.heads;
  const Index pieces = (problem.length + piece - 1) / piece;
  const AttentionForward<T> attention(problem, {qkv, out, log_sum_exp},
                                      std::min(piece, problem.length));
  context.reserve_scratch(attention.scratch_bytes());
  using Place = typename AttentionForward<T>::Place;
  const Index tasks = pieces * heads;
  const auto place = [&](Index task) {
    const Index first = (pieces - 1 - task / heads) * piece, head = task % heads;
    return Place{head / problem.heads, head % problem.heads, first,
                 std::min(first + piece, problem.length)};
  };
  context.parallel(tasks, [&](Index task, int thread) {
    const Place next = place(std::min(task + context.threads(), tasks - 1));
    attention.run(place(task), task + context.threads() < tasks ? &next : nullptr,
                  context.scratch(thread, attention.scratch_bytes()));
  });
}

/// See kernels<Reference>::attention_backward. The squares (keys i, queries i + turn) of one turn
/// share nothing and are its tasks; gradients are summed in the order of the turns.
template <class Context, class T>
void attention_backward(Context& context, const AttentionProblem& problem, const T* qkv,
                        const T* out, const T* log_sum_exp, const T* out_gradient,
                        T* qkv_gradient) {
  check(problem);
  if (problem.batch == 0 || problem.length == 0) return;
  const Index piece = attention_piece<T>(problem), key_heads = problem.key_heads();
  const Index heads = problem.batch * key_heads, pieces = (problem.length + piece - 1) / piece;
  const AttentionBackward<T> attention(problem, {qkv, out, log_sum_exp, out_gradient, qkv_gradient},
                                       std::min(piece, problem.length));
  context.reserve_scratch(attention.scratch_bytes());
  using Place = typename AttentionBackward<T>::Place;
  for (Index turn = 0; turn < pieces; ++turn) {
    const Index tasks = (problem.causal ? pieces - turn : pieces) * heads;
    const auto place = [&](Index task) {
      const Index i = task / heads, head = task % heads;
      const Index key = i * piece, query = (i + turn) % pieces * piece;
      return Place{head / key_heads,
                   head % key_heads,
                   key,
                   std::min(key + piece, problem.length),
                   query,
                   std::min(query + piece, problem.length)};
    };
    context.parallel(tasks, [&](Index task, int thread) {
      const Place at = place(task), next = place(std::min(task + context.threads(), tasks - 1));
      const Place* const then = task + context.threads() < tasks ? &next : nullptr;
      std::byte* scratch = context.scratch(thread, attention.scratch_bytes());
      if (turn == 0)
        attention.template run<false>(at, then, scratch);
      else if (attention.sees(at))
        attention.template run<true>(at, then, scratch);
    });
  }
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
