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
#include <optiform/core/parameters.hpp>
#include <optiform/rules/coefficients.hpp>
#include <optiform/rules/program.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How tensors of one role are trained.
struct ParameterGroup {
  double learning_rate_factor = 1;
  double weight_decay = 0;  ///< the rule's `lambda` is learning rate times this
};

/// Run-time numbers of a weight optimizer. The defaults are those of one AdamW for everything:
/// betas 0.9 and 0.95, epsilon 1e-8, decay 0.1 of matrices and embeddings.
struct WeightOptimizerOptions {
  ParameterGroup matrix{1, 0.1}, embedding{1, 0.1}, norm{1, 0}, scalar{1, 0};
  CoefficientValues coefficients = {};  ///< by name; others from `usual_value`

  const ParameterGroup& group(Role role) const {
    if (role == Role::matrix) return matrix;
    if (role == Role::embedding) return embedding;
    return role == Role::norm ? norm : scalar;
  }
};

/// One stream of an optimizer over the whole parameter vector, as checkpoints see it.
template <class T>
struct NamedStream {
  std::string name;
  T* data;
  Index size;
};

namespace detail {

/// A rule as a pass over parameters: g is the gradient times a run-time factor, `normalise` is the
/// identity, `debias` has a clock. Everything is updated in place.
template <class R>
struct WeightStep {
  static constexpr const Recording& rule = recording<R>;
  static constexpr Graph build() {
    Graph g;
    Splice splice(g, rule, Reading{.norm = Norm::none, .clock = true});
    const auto oracle = static_cast<short>(rule.streams + 1);
    for (short i = 0; i < oracle; ++i) splice.bind(i, g.input(i));
    splice.bind(oracle, g.multiply(g.coefficient(rule.coefficients), g.input(oracle)));
    for (short i = 0; i < oracle; ++i) g.emit(Sink::store, i, splice.copy(rule.now[i]), i);
    g.inputs = static_cast<short>(oracle + 1);
    g.stores = oracle;
    g.coefficients = static_cast<short>(rule.coefficients + 1);
    return g;
  }
};

}  // namespace detail

/// An update rule that trains weights: x' = step(x, -factor * gradient), one pass over memory.
/// A pure description; `on<Backend, T>` instantiates it.
///
/// Contract  the rule's coefficient `gamma` (or its `rate`) is the learning rate, `lambda` the
///           learning rate times weight decay; streams start at zero; step t = 1, 2, ... is the
///           clock of `debias`.
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
    using Program = Forward<detail::WeightStep<R>>;
    static_assert(Program::plan.sweeps <= 1,
                  "optiform: WeightOptimizer - the rule sums over its unit; only elementwise rules "
                  "can train weights");
    static constexpr const Recording& rule = recording<R>;

   public:
    using Context = typename K::Context;
    static constexpr int stream_count = recording<R>.streams;

    /// Errors  a coefficient that the rule does not have, a decay that it cannot apply.
    explicit on(const ParameterTable& table, WeightOptimizerOptions options = defaults())
        : table_(table), options_(std::move(options)) {
      for (const auto& given : options_.coefficients.entries())
        if (!has_coefficient(rule, given.first))
          fail("coefficient '", given.first, "' is not one of the optimizer's rule");
      for (const ParameterGroup* g :
           {&options_.matrix, &options_.embedding, &options_.norm, &options_.scalar})
        if (g->weight_decay != 0 && !has_coefficient(rule, "lambda"))
          fail("weight decay = ", g->weight_decay,
               ", expected 0: the optimizer's rule has no decay");
      for (Buffer<T>& stream : stream_) stream.reset(table.total());
      choose_sources();
    }

    /// The options that suit the rule: decay only where it has a `lambda`.
    static WeightOptimizerOptions defaults() {
      WeightOptimizerOptions options;
      if (!has_coefficient(rule, "lambda"))
        options.matrix.weight_decay = options.embedding.weight_decay = 0;
      return options;
    }

    /// One step down `gradient_factor * gradients` (clipping and averaging live in the factor).
    void step(Context& context, T* values, const T* gradients, double gradient_factor,
              double learning_rate) {
      ++clock_;
      RowArguments<T> a;
      a.clock = static_cast<double>(clock_);
      a.coefficient[rule.coefficients] = wide_t<T>(-gradient_factor);
      for (const ParameterInfo& p : table_.entries()) {
        set_coefficients(a, options_.group(p.role), learning_rate);
        const Index whole = p.size / block * block;
        run(context, a, p.offset, whole / block, block, values, gradients);
        run(context, a, p.offset + whole, 1, p.size - whole, values, gradients);
      }
    }

    /// The streams, in the rule's order, each with the layout of the parameter table.
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
    /// Elements one thread works on at a time.
    static constexpr Index block = 1024;

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

    void run(Context& context, RowArguments<T>& a, Index offset, Index rows, Index length,
             T* values, const T* gradients) {
      if (rows == 0 || length == 0) return;
      a.rows = rows;
      a.length = length;
      a.input[0] = a.output[0] = values + offset;
      for (short s = 0; s < rule.streams; ++s)
        a.input[s + 1] = a.output[s + 1] = stream_[static_cast<std::size_t>(s)].data() + offset;
      a.input[rule.streams + 1] = gradients + offset;
      K::template run_rows<Program>(context, a);
    }

    const ParameterTable& table_;
    WeightOptimizerOptions options_;
    std::array<Buffer<T>, static_cast<std::size_t>(rule.streams)> stream_;
    std::array<Source, Recording::max_coefficients> source_{};
    std::array<double, Recording::max_coefficients> fixed_{};
    std::int64_t clock_ = 0;
  };
};

OPTIFORM_NAMESPACE_END
