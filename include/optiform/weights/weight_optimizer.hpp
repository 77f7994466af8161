// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/coefficient_values.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/rules/coefficients.hpp>
#include <optiform/rules/program.hpp>
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
  CoefficientValues coefficients = {};  ///< by name; others from `usual_value`

  const ParameterGroup& group(Role role) const {
    if (role == Role::matrix) return matrix;
    if (role == Role::embedding) return embedding;
    if (role == Role::head) return head;
    return role == Role::norm ? norm : scalar;
  }
};

namespace detail {

/// A rule as a pass over parameters: g is the gradient times a run-time factor, `normalise` is the
/// identity, `debias` has a clock. Streams are updated in place, and so is the iterate; with
/// `Increment` it counts as zero, and output 0 is what the rule would add. `Clear` overwrites the
/// gradient, just read, by zeros.
template <class R, bool Clear = false, bool Increment = false>
struct WeightStep {
  static constexpr const Recording& rule = recording<R>;
  static constexpr Graph build() {
    Graph g;
    Splice splice(g, rule, Reading{.norm = Norm::none, .clock = true});
    const auto oracle = static_cast<short>(rule.streams + 1);
    splice.bind_inputs(oracle);
    if (Increment) splice.bind(0, g.constant(0));
    splice.bind(oracle, g.multiply(g.coefficient(rule.coefficients), g.input(oracle)));
    for (short i = 0; i < oracle; ++i)
      g.emit(Sink::store, i, splice.copy(rule.now[i]), Increment && i == 0 ? short{-1} : i);
    if (Clear) g.emit(Sink::store, oracle, g.constant(0), oracle);
    g.inputs = static_cast<short>(oracle + 1);
    g.stores = Clear ? static_cast<short>(oracle + 1) : oracle;
    g.coefficients = static_cast<short>(rule.coefficients + 1);
    return g;
  }
};

/// Binds the buffers of one piece of a tensor to a WeightStep.
template <class R, class T>
RowArguments<T> arguments_of(RowArguments<T> a, const TensorGroup::Piece& piece, T* iterate,
                             Buffer<T>* streams, const T* gradients) {
  constexpr short count = recording<R>.streams;
  a.rows = 1;
  a.length = piece.size;
  a.input[0] = a.output[0] = iterate;
  for (short s = 0; s < count; ++s)
    a.input[s + 1] = a.output[s + 1] = streams[s].data() + piece.stream;
  a.input[count + 1] = gradients + piece.offset;
  // Written by programs that clear, whose gradients are not const.
  a.output[count + 1] = const_cast<T*>(a.input[count + 1]);
  return a;
}

}  // namespace detail

/// An update rule that trains weights: x' = step(x, -factor * gradient), one pass over memory in
/// one parallel region. A pure description; `on<Backend, T>` instantiates it.
///
/// Contract  the rule's coefficient `gamma` (or its `rate`) is the learning rate, `lambda` the
///           learning rate times weight decay; streams start at zero and exist for the tensors of
///           `roles` only; step t = 1, 2, ... is the clock of `debias`.
/// Limits    WeightOptimizer<AdamW> is Loshchilov and Hutter's AdamW with bias correction.
template <class R>
  requires UpdateRule<R>
struct WeightOptimizer {
  static_assert(asks_at_iterate<R>(),
                "optiform: WeightOptimizer - the rule asks its oracle away from the iterate; use a "
                "rule whose query is x, for instance by pin(mu, 0)");

  template <class Backend, class T>
  class on {
    using K = kernels<Backend>;
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
    /// Errors  a coefficient that the rule does not have; for roles that occur in the table a decay
    ///         that the rule cannot apply, a negative rate or decay.
    explicit on(const ParameterTable& table, Options options = defaults(),
                Roles roles = Roles::all())
        : group_(table, roles), options_(std::move(options)) {
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
      choose_sources();
    }

    /// The options that suit the rule: decay only where it has a `lambda`.
    static Options defaults() {
      Options options;
      if (!has_coefficient(rule, "lambda"))
        options.matrix.weight_decay = options.embedding.weight_decay = options.head.weight_decay =
            0;
      return options;
    }

    /// Bytes of the streams that an optimizer of these tensors has.
    static Index stream_bytes(const ParameterTable& table, const Options&,
                              Roles roles = Roles::all()) {
      return rule.streams * TensorGroup(table, roles).total() * static_cast<Index>(sizeof(T));
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

    /// The streams, in the rule's order.
    std::vector<NamedStream<T>> streams() {
      std::vector<NamedStream<T>> all;
      for (short s = 0; s < rule.streams; ++s) {
        Buffer<T>& stream = stream_[static_cast<std::size_t>(s)];
        all.push_back({rule.stream[s].name, stream.data(), stream.size()});
      }
      return all;
    }
    /// Steps made so far.
    std::int64_t clock() const { return clock_; }
    void set_clock(std::int64_t steps) { clock_ = steps; }

   private:
    /// What decides a coefficient: a fixed number, the learning rate, or the decay.
    enum class Source : unsigned char { fixed, rate, decay };

    void choose_sources() {
      for (short c = 0; c < rule.coefficients; ++c) {
        const CoefficientInfo& info = rule.coefficient[c];
        const std::string_view name = info.name;
        const auto at = static_cast<std::size_t>(c);
        source_[at] = Source::fixed;
        fixed_[at] = initial_value(info, options_.coefficients);
        if (options_.coefficients.find(name) != nullptr) continue;
        if (info.kind == CoefficientKind::rate || name == "gamma") {
          source_[at] = Source::rate;
        } else if (name == "lambda") {
          source_[at] = Source::decay;
        } else {
          fixed_[at] = usual_value(name, fixed_[at]);
        }
      }
    }

    void set_coefficients(RowArguments<T>& a, const ParameterGroup& group, double learning_rate) {
      const double rate = learning_rate * group.learning_rate_factor;
      for (short c = 0; c < rule.coefficients; ++c) {
        const auto at = static_cast<std::size_t>(c);
        a.coefficient[c] = wide_t<T>(source_[at] == Source::rate    ? rate
                                     : source_[at] == Source::decay ? rate * group.weight_decay
                                                                    : fixed_[at]);
      }
    }

    template <bool Clear>
    void run(Context& context, T* values, const T* gradients, double gradient_factor,
             double learning_rate) {
      ++clock_;
      RowArguments<T> of_role[role_count];
      for (int r = 0; r < role_count; ++r) {
        of_role[r].clock = static_cast<double>(clock_);
        of_role[r].coefficient[rule.coefficients] = wide_t<T>(-gradient_factor);
        set_coefficients(of_role[r], options_.group(static_cast<Role>(r)), learning_rate);
      }
      const auto& pieces = group_.pieces();
      K::template run_rows_batch<Program<Clear>>(
          context, static_cast<Index>(pieces.size()), [&](Index i) {
            const TensorGroup::Piece& piece = pieces[static_cast<std::size_t>(i)];
            return detail::arguments_of<R>(of_role[static_cast<int>(piece.role)], piece,
                                           values + piece.offset, stream_.data(), gradients);
          });
    }

    TensorGroup group_;
    Options options_;
    std::array<Buffer<T>, static_cast<std::size_t>(rule.streams)> stream_;
    std::array<Source, Recording::max_coefficients> source_{};
    std::array<double, Recording::max_coefficients> fixed_{};
    std::int64_t clock_ = 0;
  };
};

OPTIFORM_NAMESPACE_END
