// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/coefficient_schedules.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/rules/scheduled_coefficients.hpp>
#include <optiform/weights/tensor_group.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How tensors of one role are trained.
struct ParameterGroup {
  double learning_rate_factor = 1;
  double weight_decay = 0;  ///< the rule's `lambda` is learning rate times this
};

/// Run-time numbers of a weight optimizer. The defaults are those of one AdamW for everything:
/// betas 0.9 and 0.95, epsilon 1e-8, decay 0.1 of matrices, embeddings and the head.
struct WeightOptimizerOptions {
  ParameterGroup matrix{1, 0.1}, embedding{1, 0.1}, norm{1, 0}, scalar{1, 0}, head{1, 0.1};
  CoefficientSchedules coefficients = {};  ///< by name; others have their usual values

  const ParameterGroup& group(Role role) const {
    if (role == Role::matrix) return matrix;
    if (role == Role::embedding) return embedding;
    if (role == Role::head) return head;
    return role == Role::norm ? norm : scalar;
  }
};

namespace detail {

/// A rule as a pass over parameters, down the gradient times a run-time factor. See VectorStep.
template <class R, bool Clear = false, bool Increment = false>
struct WeightStep {
  static constexpr Graph build() {
    return vector_step<R>({.scaled = true, .clears = Clear, .increment = Increment});
  }
};

/// What iterate and streams read out.
template <class R>
struct WeightReadOut {
  static constexpr Graph build() { return vector_read_out<R>(); }
};

/// Whether what a rule shows at the end depends on what a driver gives at every step.
template <class R>
constexpr bool reads_out_step_size() {
  constexpr Graph graph = vector_read_out<R>();
  for (short i = 0; i < graph.nodes; ++i) {
    const Node& n = graph.node[i];
    if (n.op != Op::coefficient) continue;
    const CoefficientInfo& info = recording<R>.coefficient[n.index];
    if (is_step_size(info) || is_decay(info)) return true;
  }
  return false;
}

/// Binds the buffers of one piece of a tensor to a WeightStep.
template <class R, class T>
RowArguments<T> arguments_of(RowArguments<T> a, const TensorGroup::Piece& piece, T* iterate,
                             Buffer<T>* streams, const T* gradients) {
  using Layout = VectorLayout<R>;
  a.rows = 1;
  a.length = piece.size;
  a.input[0] = a.output[0] = iterate;
  for (short s = 0; s < recording<R>.streams; ++s)
    a.input[s + 1] = a.output[s + 1] = streams[s].data() + piece.stream;
  a.input[Layout::gradient] = gradients + piece.offset;
  // Written by programs that clear, whose gradients are not const.
  a.output[Layout::cleared] = const_cast<T*>(a.input[Layout::gradient]);
  return a;
}

}  // namespace detail

/// An update rule that trains weights: x' = step(x, -factor * gradient), one pass over memory in
/// one parallel region. A pure description; `on<Backend, T>` instantiates it.
///
/// Contract  the rule's coefficient `gamma` (or its `rate`) is the learning rate, `lambda` the
///           learning rate times weight decay, others go by the clock (see ScheduledCoefficients);
///           streams start at zero and exist for the tensors of `roles` only; step t = 1, 2, ... is
///           the clock.
///           Where the rule asks away from its iterate, the values that the model sees are the
///           query point: gradients are taken there, `step` writes the next one. The iterate is a
///           stream of the optimizer, which the first step takes from the values.
/// Limits    WeightOptimizer<AdamW> is Loshchilov and Hutter's AdamW with bias correction. With a
///           constant rate HeavyBall and Nesterov are torch.optim.SGD's momentum.
template <class R>
  requires UpdateRule<R>
struct WeightOptimizer {
  static_assert(starts_at_iterate<R>(),
                "optiform: WeightOptimizer - with streams of zero the rule asks its oracle away "
                "from the iterate; a rule that trains weights starts at x");
  static_assert(takes_step_size<R>(),
                "optiform: WeightOptimizer - the learning rate would do nothing to the rule's "
                "steps; declare the step size by rate(\"gamma\"), or call a coefficient gamma");

  template <class Backend, class T>
  class on {
    using K = kernels<Backend>;
    using Layout = VectorLayout<R>;
    template <bool Clear>
    using Program = Forward<detail::WeightStep<R, Clear>>;
    static_assert(!Program<false>::graph.is_staged(),
                  "optiform: WeightOptimizer - the rule takes row operations, which are for the "
                  "layers of a network; matrices of weights are trained by MuonOptimizer");
    static_assert(Program<false>::plan.sweeps <= 1,
                  "optiform: WeightOptimizer - the rule sums over its unit; only elementwise rules "
                  "can train weights");
    static constexpr const Recording& rule = recording<R>;

   public:
    using Context = typename K::Context;
    using Options = WeightOptimizerOptions;

    /// Trains the tensors of the given roles. The table must outlive the optimizer.
    ///
    /// Errors  a coefficient that the rule does not have or that is outside its range; for roles
    ///         that occur in the table a decay that the rule cannot apply, a negative rate or
    ///         decay.
    explicit on(const ParameterTable& table, Options options = defaults(),
                Roles roles = Roles::all())
        : group_(table, roles), options_(std::move(options)), coefficients_(options_.coefficients) {
      for (const auto& given : options_.coefficients.entries())
        if (!has_coefficient(rule, given.first))
          fail("coefficient '", given.first, "' is not one of the optimizer's rule");
      for (const TensorGroup::Tensor& tensor : group_.tensors()) {
        const ParameterGroup& g = options_.group(tensor.info->role);
        detail::require_number("learning rate factor", g.learning_rate_factor);
        detail::require_number("weight decay", g.weight_decay);
        if (g.weight_decay != 0 && !has_coefficient(rule, "lambda"))
          fail("weight decay = ", g.weight_decay,
               ", expected 0: the optimizer's rule has no decay");
      }
      for (Buffer<T>& stream : stream_) stream.reset(group_.total());
      if (Layout::away) iterate_.reset(group_.total());
    }

    /// The options that suit the rule: decay only where it has a `lambda`.
    static Options defaults() {
      Options options;
      if (!has_coefficient(rule, "lambda"))
        options.matrix.weight_decay = options.embedding.weight_decay = options.head.weight_decay =
            0;
      return options;
    }

    /// Bytes of the streams that an optimizer of these tensors has, on any number of threads.
    static Index planned_bytes(const ParameterTable& table, const Options&, int,
                               Roles roles = Roles::all()) {
      return (rule.streams + (Layout::away ? 1 : 0)) * TensorGroup(table, roles).total() *
             static_cast<Index>(sizeof(T));
    }

    /// One step down `gradient_factor * gradients` (clipping and averaging live in the factor).
    void step(Context& context, T* values, const T* gradients, double gradient_factor,
              double learning_rate) {
      run<false>(context, values, gradients, gradient_factor, learning_rate);
    }
    /// The same, and the gradients of the group's tensors are zero afterwards.
    void step_and_clear(Context& context, T* values, T* gradients, double gradient_factor,
                        double learning_rate) {
      run<true>(context, values, gradients, gradient_factor, learning_rate);
    }

    /// Writes what the rule shows at the end, its iterate or what its `read_out` makes of it, for
    /// the group's tensors. `values` are those of the last step; out may be the same memory.
    void read_out(Context& context, const T* values, T* out) {
      static_assert(!detail::reads_out_step_size<R>(),
                    "optiform: WeightOptimizer - the rule reads out by its step size or decay, "
                    "which are those of a step; read out by other coefficients");
      RowArguments<T> all;
      coefficients_.set(all, clock_ == 0 ? 1 : static_cast<double>(clock_), 0);
      const auto& pieces = group_.pieces();
      K::template run_rows_batch<Forward<detail::WeightReadOut<R>>>(
          context, static_cast<Index>(pieces.size()), [&](Index i) {
            const TensorGroup::Piece& piece = pieces[static_cast<std::size_t>(i)];
            RowArguments<T> a = all;
            a.rows = 1;
            a.length = piece.size;
            a.input[0] =
                Layout::away && clock_ > 0 ? iterate_.data() + piece.stream : values + piece.offset;
            for (short s = 0; s < rule.streams; ++s)
              a.input[s + 1] = stream_[static_cast<std::size_t>(s)].data() + piece.stream;
            a.output[0] = out + piece.offset;
            return a;
          });
    }

    /// The streams, in the rule's order, and the iterate where the values are not it.
    std::vector<NamedStream<T>> streams() {
      std::vector<NamedStream<T>> all;
      for (short s = 0; s < rule.streams; ++s) {
        Buffer<T>& stream = stream_[static_cast<std::size_t>(s)];
        all.push_back({rule.stream[s].name, stream.data(), stream.size()});
      }
      if (Layout::away) all.push_back({"iterate", iterate_.data(), iterate_.size()});
      return all;
    }
    /// Steps made so far.
    std::int64_t clock() const { return clock_; }
    void set_clock(std::int64_t steps) { clock_ = steps; }

   private:
    template <bool Clear>
    void run(Context& context, T* values, const T* gradients, double gradient_factor,
             double learning_rate) {
      if (Layout::away && clock_ == 0) take_iterate(context, values);
      ++clock_;
      RowArguments<T> of_role[role_count];
      for (int r = 0; r < role_count; ++r) {
        const ParameterGroup& group = options_.group(static_cast<Role>(r));
        const double rate = learning_rate * group.learning_rate_factor;
        coefficients_.set(of_role[r], static_cast<double>(clock_), rate, rate * group.weight_decay);
        of_role[r].coefficient[Layout::factor] = wide_t<T>(-gradient_factor);
      }
      const auto& pieces = group_.pieces();
      K::template run_rows_batch<Program<Clear>>(
          context, static_cast<Index>(pieces.size()), [&](Index i) {
            const TensorGroup::Piece& piece = pieces[static_cast<std::size_t>(i)];
            T* const value = values + piece.offset;
            auto a = detail::arguments_of<R>(of_role[static_cast<int>(piece.role)], piece,
                                             Layout::away ? iterate_.data() + piece.stream : value,
                                             stream_.data(), gradients);
            if constexpr (Layout::away) a.output[Layout::query] = value;
            return a;
          });
    }

    void take_iterate(Context& context, const T* values) {
      for (const TensorGroup::Tensor& tensor : group_.tensors())
        K::copy(context, tensor.info->size, values + tensor.info->offset,
                iterate_.data() + tensor.stream);
    }

    TensorGroup group_;
    Options options_;
    ScheduledCoefficients<R> coefficients_;
    std::array<Buffer<T>, static_cast<std::size_t>(rule.streams)> stream_;
    Buffer<T> iterate_;
    std::int64_t clock_ = 0;
  };
};

OPTIFORM_NAMESPACE_END
