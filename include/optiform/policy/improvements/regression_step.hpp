// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/policy/improvements/mirror_step.hpp>
#include <optiform/policy/networks/averaged_descent.hpp>
#include <optiform/policy/networks/cumulative.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The temperature tau_t of an energy policy after iteration t = 1, 2, ...
///
///   theory     T^alpha / (K t)            T iterations of K inner steps, step T^-alpha
///   practical  lambda sqrt(N) / (K n t)   N environment steps in all, n in each iteration
///   constant   tau
///
/// Source    Huang, Hsieh, Ho, Wu, "PPO-Clip attains global optimality", AAAI 2024, corollary 1;
///           practical: the authors' program.
class Temperature {
 public:
  static Temperature theory(double iterations, double alpha, int inner_steps) {
    return {math::pow(iterations, alpha) / inner_steps, true};
  }
  static Temperature practical(double lambda, double all_steps, double steps, int inner_steps) {
    return {lambda * math::sqrt(all_steps) / (steps * inner_steps), true};
  }
  static Temperature constant(double tau) { return {tau, false}; }

  double operator()(double t) const { return falls_ ? scale_ / t : scale_; }

 private:
  Temperature(double scale, bool falls) : scale_(scale), falls_(falls) {}

  double scale_;
  bool falls_;
};

/// Fits an energy network to what a step on the table of probabilities makes of the policy:
///
///   log target = log pi_t + C A + const,   f' ~ tau' (C A + f_t / tau_t),   pi' ~ exp(f' / tau')
///
/// C(s, a) A(s, a) is the sum of the inner steps that the surrogate took at the pair, C their ratio
/// to the advantage. The fit is least squares over states of the data and uniform actions, by
/// projected descent with averaged iterates.
///
/// Contract  states are drawn by the batch's state weights and actions uniformly, apart from the
///           critic's own draws; the same seed gives the same run. The initial network is drawn
///           from this seed as well: a network critic with the same seed and width starts alike.
/// Errors    Error for a temperature or a fit that is not positive.
/// Source    Huang, Hsieh, Ho, Wu, "PPO-Clip attains global optimality", AAAI 2024, algorithms 1,
///           4 and 6, proposition 1.
template <class Target = MirrorStep<NegativeEntropy>>
struct RegressionStep {
  static constexpr bool needs_table = false;
  static constexpr bool takes_gradient_hooks = false;

  struct Options {
    typename Target::Options target{};  ///< step eta and inner steps K
    Temperature temperature = Temperature::constant(1);
    DescentOptions fit{};
    std::uint64_t seed = 1;

    /// Steps T^-alpha and temperatures T^alpha / (K t) of corollary 1, 1/2 <= alpha < 1.
    static Options theory(double iterations, double alpha, int inner_steps) {
      Options options;
      options.target = {math::pow(iterations, -alpha), inner_steps};
      options.temperature = Temperature::theory(iterations, alpha, inner_steps);
      return options;
    }
    /// A fixed step, the practical temperature, and a fit that goes on from the last one: neither
    /// averaged nor projected.
    static Options practical(double eta, int inner_steps, double lambda, double all_steps,
                             double steps) {
      Options options;
      options.target = {eta, inner_steps};
      options.temperature = Temperature::practical(lambda, all_steps, steps, inner_steps);
      options.fit.radius = __builtin_inf();
      options.fit.averaged = options.fit.from_initial = false;
      return options;
    }
  };

  template <class Policy, class Backend, class T>
  class on {
    static_assert(
        requires(Policy & policy) {
          policy.network();
          policy.table();
        },
        "optiform: RegressionStep - it fits an energy network; use EnergyNetwork, or improve a "
        "table by MirrorStep");
    using TargetOn = typename Target::template on<typename Policy::Table, Backend, T>;

   public:
    static constexpr bool point_is_iterate = true;

    on(Policy& policy, context_t<Backend>& context, Options options)
        : policy_(policy),
          options_(std::move(options)),
          target_(policy.table(), context, options_.target),
          descent_(policy.network().parameters(), options_.fit),
          iterate_(policy.size()),
          added_(policy.table().size()),
          wanted_(added_.size()),
          fitted_(added_.size()),
          coefficient_(added_.size()) {
      if (!(options_.temperature(1) > 0))
        fail("temperature = ", options_.temperature(1), ", expected a positive number");
      policy.network().initialise(options_.seed);
    }

    T* parameters() { return iterate_.data(); }
    const T* parameters() const { return iterate_.data(); }
    const T* point() const { return iterate_.data(); }
    Index size() const { return policy_.size(); }
    double rate() const { return target_.rate(); }
    void begin() {
      clock_ = 0;
      target_.begin();
      rng_ = Rng(options_.seed, sample_stream);
    }

    template <class Surrogate, class Batch, class Hooks>
    void improve(const Surrogate& surrogate, const Batch& batch, Hooks&) {
      ++clock_;
      aim(surrogate, batch);
      fit(batch);
    }

    /// C(s, a) of the last iteration, [states, actions]: 0 where the advantage was 0.
    const T* coefficient() const { return coefficient_.data(); }
    /// C A, the sum of the inner steps.
    const T* added() const { return added_.data(); }
    /// log pi-hat, the target's normalised log-probabilities.
    const T* log_target() const { return target_.parameters(); }
    /// What the energies were fitted to, and what came out.
    const T* wanted() const { return wanted_.data(); }
    const T* fitted() const { return fitted_.data(); }
    /// Mean of (fitted - wanted)^2 over states of the data and uniform available actions.
    T regression_error() const { return error_; }
    const AveragedDescent<T>& descent() const { return descent_; }

   private:
    static constexpr std::uint64_t sample_stream = 1;

    /// Hears of the target's inner steps.
    struct Listener {
      T* added;
      Index actions;
      void mirror_step(int state, const T* step) {
        for (Index a = 0; a < actions; ++a) added[state * actions + a] += step[a];
      }
    };

    template <class Surrogate, class Batch>
    void aim(const Surrogate& surrogate, const Batch& batch) {
      using math::log;
      T* const parameters = iterate_.data();
      // Logarithms of the probabilities would have lost what underflowed.
      policy_.logits(parameters, target_.parameters());
      for (T& sum : added_) sum = T(0);
      const auto& sizes = policy_.sizes();
      for (Index s = 0; s < sizes.states(); ++s)  // normalises
        exponentiated_step(sizes, added_.data(), target_.parameters() + s * sizes.actions());
      Listener listener{added_.data(), policy_.sizes().actions()};
      target_.improve(surrogate, batch, listener);
      policy_.energies(parameters, wanted_.data());
      const T inverse = policy_.inverse_temperature(parameters);
      const T next = static_cast<T>(options_.temperature(static_cast<double>(clock_)));
      for (Index pair = 0; pair < wanted_.size(); ++pair) {
        const T advantage = batch.advantage[pair];
        const bool counts = policy_.available(pair) && advantage != T(0);
        if (!counts) added_[pair] = T(0);
        coefficient_[pair] = counts ? added_[pair] / advantage : T(0);
        wanted_[pair] = next * (added_[pair] + inverse * wanted_[pair]);
      }
      policy_.inverse_temperature(parameters) = T(1) / next;
    }

    template <class Batch>
    void fit(const Batch& batch) {
      const int states = policy_.sizes().states(), actions = policy_.sizes().actions();
      const auto& network = policy_.network();
      share_.assign(static_cast<std::size_t>(wanted_.size()), 0);
      for (int s = 0; s < states; ++s) {
        int choices = 0;
        for (int a = 0; a < actions; ++a) choices += policy_.available(Index{s} * actions + a);
        for (Index pair = Index{s} * actions; pair < Index{s + 1} * actions; ++pair)
          if (policy_.available(pair))
            share_[static_cast<std::size_t>(pair)] =
                static_cast<double>(batch.state_weight[s]) / choices;
      }
      const Cumulative pairs(share_);
      descent_.begin(network, iterate_.data());
      for (std::int64_t i = 0; i < descent_.samples(); ++i) {
        const Index pair = pairs.draw(rng_);
        const auto x = policy_.features().row(pair);
        descent_.step(network, x, network.value(descent_.iterate(), x) - wanted_[pair]);
      }
      for (Index i = 0; i < network.parameters(); ++i) iterate_[i] = descent_.result()[i];
      policy_.energies(iterate_.data(), fitted_.data());
      double sum = 0;
      for (Index pair = 0; pair < wanted_.size(); ++pair) {
        const double off = static_cast<double>(fitted_[pair] - wanted_[pair]);
        sum += share_[static_cast<std::size_t>(pair)] * off * off;
      }
      error_ = static_cast<T>(sum / pairs.total());
    }

    Policy& policy_;
    Options options_;
    TargetOn target_;
    AveragedDescent<T> descent_;
    std::int64_t clock_ = 0;
    Rng rng_{1};
    T error_{};
    Buffer<T> iterate_, added_, wanted_, fitted_, coefficient_;
    std::vector<double> share_;
  };
};

OPTIFORM_NAMESPACE_END
