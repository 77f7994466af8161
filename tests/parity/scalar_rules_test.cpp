// SPDX-License-Identifier: MIT
// The scalar loops of tests/support against PyTorch: a whole model in plain loops, token by token.
#include "../support/scalar_rules.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include <optiform/core/dual.hpp>
#include <optiform/core/random.hpp>

#include "../support/fixture.hpp"

using namespace optiform;
using optiform::testing::Fixture;

namespace {

template <class T>
using Rows = std::vector<std::vector<T>>;

/// Evaluates a fixture's model on scalars of type T, in the direction `tangents` if T is Dual.
template <class Rule, class T>
class PlainModel {
 public:
  PlainModel(const Fixture& fixture, std::uint64_t seed) : fixture_(fixture), seed_(seed) {}

  T loss() {
    const Index batch = fixture_.integer("batch"), length = fixture_.integer("length");
    const auto tokens = fixture_.ids("tokens"), targets = fixture_.ids("targets");
    logits.clear();
    T sum = T(0.0);
    for (Index b = 0; b < batch; ++b) {
      const auto first = tokens.begin() + b * length;
      for (const auto& row : sequence({first, first + length})) {
        T total = T(0.0);
        for (const T& z : row) total += exp_of(z);
        const auto target = targets[logits.size()];
        sum += log_of(total) - row[static_cast<std::size_t>(target)];
        logits.push_back(row);
      }
    }
    return sum / T(static_cast<double>(batch * length));
  }

  Rows<T> logits;
  double slope = 0;  ///< of the loss along the tangents, from the stored gradients

 private:
  static T exp_of(const T& z) {
    using std::exp;
    return exp(z);
  }
  static T log_of(const T& z) {
    using std::log;
    return log(z);
  }
  static T sigmoid(const T& raw) { return T(1.0) / (T(1.0) + exp_of(-raw)); }
  static T softplus(const T& raw) { return log_of(T(1.0) + exp_of(raw)); }

  /// A parameter; with dual numbers it moves along a random direction.
  std::vector<T> parameter(const std::string& name) {
    const auto values = fixture_.read("weights." + name);
    std::vector<T> out(values.begin(), values.end());
    if constexpr (!std::is_floating_point_v<T>) {
      const auto gradient = fixture_.read("gradients." + name);
      const bool seen = !seen_.insert(name).second;
      Rng rng(seed_, std::hash<std::string>{}(name));
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i].derivative = rng.normal();
        if (!seen) slope += gradient[i] * out[i].derivative;
      }
    }
    return out;
  }
  scalar_rules::Norm<T> norm(const std::string& name) {
    if (!fixture_.contains("weights." + name)) return {};
    return {parameter(name)};
  }
  std::vector<T> coefficients(const std::string& layer, const std::string& suffix) {
    std::vector<T> out;
    for (std::size_t i = 0; i < Rule::coefficient_count; ++i) {
      const std::string name = Rule::coefficients[i];
      const T raw = parameter(layer + name + suffix + "_raw")[0];
      const bool positive = name == "gamma" || name == "nu";
      out.push_back(positive ? softplus(raw) : sigmoid(raw));
    }
    return out;
  }
  std::vector<T> product(const std::string& name, const std::vector<T>& in) {
    const auto w = parameter(name);
    std::vector<T> out(w.size() / in.size(), T(0.0));
    for (std::size_t r = 0; r < out.size(); ++r)
      for (std::size_t c = 0; c < in.size(); ++c) out[r] += w[r * in.size() + c] * in[c];
    return out;
  }

  Rows<T> attention(const std::string& layer, const Rows<T>& y) {
    using std::sqrt;
    const auto heads = static_cast<std::size_t>(fixture_.integer("heads"));
    const std::size_t d = y[0].size(), h = d / heads;
    Rows<T> qkv, out;
    for (const auto& row : y) qkv.push_back(product(layer + "attn.qkv_proj.weight", row));
    for (std::size_t t = 0; t < y.size(); ++t) {
      std::vector<T> mixed(d, T(0.0));
      for (std::size_t head = 0; head < heads; ++head) {
        std::vector<T> weight(t + 1, T(0.0));
        T total = T(0.0);
        for (std::size_t s = 0; s <= t; ++s) {
          for (std::size_t i = head * h; i < head * h + h; ++i)
            weight[s] += qkv[t][i] * qkv[s][d + i];
          weight[s] = exp_of(weight[s] / T(sqrt(static_cast<double>(h))));
          total += weight[s];
        }
        for (std::size_t s = 0; s <= t; ++s)
          for (std::size_t i = head * h; i < head * h + h; ++i)
            mixed[i] += weight[s] / total * qkv[s][2 * d + i];
      }
      out.push_back(product(layer + "attn.out_proj.weight", mixed));
    }
    return out;
  }
  Rows<T> mlp(const std::string& layer, const Rows<T>& y) {
    using std::erf;
    Rows<T> out;
    for (const auto& row : y) {
      auto a = product(layer + "mlp.w1.weight", row);
      for (T& u : a) u = T(0.5) * u * (T(1.0) + erf(u / T(std::sqrt(2.0))));
      out.push_back(product(layer + "mlp.w2.weight", a));
    }
    return out;
  }

  std::vector<T> embed(const std::string& prefix, std::int32_t id, std::size_t position) {
    const auto d = static_cast<std::size_t>(fixture_.integer("width"));
    const auto tokens = parameter(prefix + "tok_emb.weight");
    const auto positions = parameter(prefix + "pos_emb.weight");
    std::vector<T> row(d);
    for (std::size_t i = 0; i < d; ++i)
      row[i] = tokens[static_cast<std::size_t>(id) * d + i] + positions[position * d + i];
    return row;
  }

  /// The lower triangle of the identity, row by row.
  static std::vector<T> identity(std::size_t order) {
    std::vector<T> packed(order * (order + 1) / 2, T(0.0));
    for (std::size_t i = 0; i < order; ++i) packed[i * (i + 3) / 2] = T(1.0);
    return packed;
  }

  Rows<T> sequence(const std::vector<std::int32_t>& tokens) {
    const std::string rule = fixture_.text("rule");
    const bool momentum = rule == "heavy-ball" || rule == "nesterov" || rule == "tmm";
    const std::string table = momentum ? "vel_" : "m_";
    const std::string update_norm = momentum ? "ln_v" : "ln_update";
    const auto heads = static_cast<std::size_t>(fixture_.integer("heads"));
    const bool covariance = rule == "shampoo" || rule == "soap";
    std::vector<scalar_rules::State<T>> state;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      state.push_back({embed("", tokens[t], t), {}, heads});
      const std::size_t d = state[t].x.size();
      auto& streams = state[t].streams;
      if (covariance) streams.push_back(identity(d / heads));
      while (streams.size() < Rule::stream_count) streams.push_back(std::vector<T>(d, T(0.0)));
      if (fixture_.contains("weights." + table + "tok_emb.weight"))
        streams[covariance ? 1 : 0] = embed(table, tokens[t], t);
      if (rule.starts_with("adam") || rule == "rmsprop") streams.back().assign(d, T(1.0));
    }
    const bool euler = fixture_.text("splitting") == "euler";
    for (Index l = 0; l < fixture_.integer("layers"); ++l) {
      const std::string layer = message("layers.", l, ".");
      const auto inputs = [&](const std::string& c_suffix, const std::string& norm_suffix) {
        const auto c = coefficients(layer, c_suffix);
        const auto pre_norm = norm(layer + "ln" + norm_suffix + ".weight");
        Rows<T> y;
        for (const auto& s : state) y.push_back(normalise(Rule::query(s, c), pre_norm));
        return y;
      };
      const auto step = [&](const std::string& suffix, const Rows<T>& g) {
        const auto c = coefficients(layer, suffix);
        const auto n = norm(layer + update_norm + suffix + ".weight");
        for (std::size_t t = 0; t < g.size(); ++t) Rule::step(state[t], g[t], c, n);
      };
      if (euler) {
        Rows<T> g = attention(layer, inputs("", "_attn"));
        const Rows<T> other = mlp(layer, inputs("", "_mlp"));
        for (std::size_t t = 0; t < g.size(); ++t)
          for (std::size_t i = 0; i < g[t].size(); ++i) g[t][i] += other[t][i];
        step("", g);
      } else {
        step("_attn", attention(layer, inputs("_attn", "_attn")));
        step("_mlp", mlp(layer, inputs("_mlp", "_mlp")));
      }
    }
    Rows<T> out;
    for (auto& s : state) {
      const T delta = T(fixture_.real("read_out"));
      if (Rule::stream_count > 0 && !covariance)
        for (std::size_t i = 0; i < s.x.size(); ++i) s.x[i] += delta * s.streams[0][i];
      out.push_back(product("tok_emb.weight", normalise(s.x, norm("final_ln.weight"))));
    }
    return out;
  }

  const Fixture& fixture_;
  std::uint64_t seed_;
  std::set<std::string> seen_;
};

template <class Rule>
void check(const std::string& name) {
  const Fixture fixture(name);
  INFO("fixture ", name);
  PlainModel<Rule, double> plain(fixture, 0);
  CHECK(std::fabs(plain.loss() / fixture.read("loss")[0] - 1) < 1e-13);
  const auto expected = fixture.read("logits");
  double error = 0, scale = 0;
  std::size_t i = 0;
  for (const auto& row : plain.logits)
    for (const double z : row) {
      error = std::fmax(error, std::fabs(z - expected[i]));
      scale = std::fmax(scale, std::fabs(expected[i++]));
    }
  CHECK(i == expected.size());
  CHECK(error < 1e-13 * scale);

  // Dual numbers: the slope along a random direction is that of the stored gradients.
  PlainModel<Rule, Dual<double>> dual(fixture, 7);
  const double slope = dual.loss().derivative;
  CHECK(std::fabs(slope - dual.slope) < 1e-12 * (std::fabs(slope) + 1));
}

}  // namespace

TEST_CASE("scalar loops of every rule agree with PyTorch on whole models") {
  using namespace scalar_rules;
  check<GradientDescent>("vanilla");
  check<HeavyBall>("heavy_ball");
  check<Nesterov>("nesterov");
  check<TripleMomentum>("tmm");
  check<TripleMomentum>("tmm_without_norm");
  check<TripleMomentum>("tmm_zero_start");
  check<TripleMomentum>("tmm_euler");
  check<TripleMomentum>("tmm_read_out");
  check<Adam>("adam");
  check<Adam>("adam_euler");
  check<AdamW>("adamw");
  check<RmsProp>("rmsprop");
  check<Ortho>("ortho_layers");
  check<Muon>("muon_layers");
  check<Shampoo>("shampoo_layers");
  check<Soap>("soap_layers");
}
