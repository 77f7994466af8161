// SPDX-License-Identifier: MIT
// What each update rule costs beside the plain residual connection: whole training steps of the
// small model in turn. Of the rules that work on matrices also the operations: as the formulas have
// them, and as they are made, half of every product that is symmetric.
//   bench/family [--quick] [--threads N] [--only RULE] [--peer PYTHON SCRIPT]
#include "family/family.hpp"

#include <algorithm>

#include "support/pytorch_steps.hpp"
#include "support/report_options.hpp"

namespace {

using namespace bench;

constexpr struct {
  const char* name;
  FamilyPointer (*make)(int threads);
} rules[] = {
    {"heavy_ball", make_heavy_ball},
    {"nesterov", make_nesterov},
    {"tmm", make_tmm},
    {"adam", make_adam},
    {"adamw", make_adamw},
    {"rmsprop", make_rmsprop},
    {"ortho", make_ortho},
    {"muon", make_muon},
    {"shampoo", make_shampoo},
    {"soap", make_soap},
};

/// PyTorch remembers every iterate of a matrix rule: fewer sequences, so that they fit in memory.
using PeerShape = TrainingShape<SmallShape::model, SmallShape::layers, SmallShape::vocabulary, 2,
                                SmallShape::length>;

/// Steps of two models in turn; who begins alternates, which cancels a steady drift.
template <class First, class Second>
std::vector<double> ratios_in_turn(int pairs, First&& first, Second&& second) {
  std::vector<double> a, b;
  for (int pair = 0; pair < pairs; ++pair) {
    if (pair % 2 == 0) a.push_back(first());
    b.push_back(second());
    if (pair % 2 == 1) a.push_back(first());
  }
  return ratios(a, b);
}

void print_against_vanilla(const ReportOptions& o, const std::string& name, FamilyMember& vanilla,
                           FamilyMember& member) {
  member.run();
  const auto time = [](FamilyMember& m) { return [&] { return seconds([&] { m.run(); }); }; };
  print_interval(name + "_over_vanilla",
                 ratios_in_turn(o.quick ? 2 : 16, time(member), time(vanilla)));
  const auto count = [&](const char* key, SymmetricProducts products) {
    const double more = member.row_operations(products);
    if (more > 0) print(name + key, 1 + more / SmallShape::useful_operations());
  };
  count("_flops_over_vanilla", SymmetricProducts::whole);
  count("_flops_made_over_vanilla", SymmetricProducts::lower_triangle);
}

/// The reference model in PyTorch, eager, with two sequences a step.
void print_peer(const ReportOptions& o, const std::string& name) {
  std::string rule = name;
  std::replace(rule.begin(), rule.end(), '_', '-');
  const auto start = [&](const std::string& which, Peer& peer) {
    const PyTorchSetting setting{"eager", "fused", o.threads, which};
    return !std::isnan(number(peer.ask(setting.words<PeerShape>(), 240)));
  };
  Peer vanilla(o.peer), other(o.peer);
  if (!start("vanilla", vanilla) || !start(rule, other)) {
    std::printf("# PyTorch does not train %s\n", rule.c_str());
    return;
  }
  const auto time = [](Peer& peer) { return [&] { return number(peer.ask("step", 240)); }; };
  print_interval(name + "_over_vanilla_pytorch",
                 ratios_in_turn(o.quick ? 1 : 4, time(other), time(vanilla)));
}

}  // namespace

int main(int argc, char** argv) {
  const ReportOptions o = report_options("family", argc, argv);
  bool any = false;
  const FamilyPointer vanilla = make_vanilla(o.threads);
  for (int i = 0; i < 2; ++i) vanilla->run();
  for (const auto& rule : rules) {
    if (!o.only.empty() && o.only != rule.name) continue;
    any = true;
    const FamilyPointer member = rule.make(o.threads);
    print_against_vanilla(o, rule.name, *vanilla, *member);
    if (!o.peer.empty()) print_peer(o, rule.name);
  }
  if (!any) o.give_up("'" + o.only + "' is no rule of the report");
}
