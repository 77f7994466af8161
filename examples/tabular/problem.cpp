// SPDX-License-Identifier: MIT
#include "problem.hpp"

#include <optiform/environments/tabular/json.hpp>
#include <optiform/environments/tabular/library.hpp>
#include <optiform/tabular.hpp>

#include "run_method.hpp"

using namespace optiform;

namespace {

bool is_file_name(const std::string& name) {
  const std::string ending = ".json";
  return name.find('/') != std::string::npos ||
         (name.size() > ending.size() &&
          name.compare(name.size() - ending.size(), ending.size(), ending) == 0);
}

}  // namespace

std::vector<Problem> load_problems(const std::string& name,
                                   const std::vector<std::string>& starts) {
  const TabularMdp<> mdp = is_file_name(name) ? load_mdp(name) : named_mdp(name);
  std::vector<Problem> problems;
  for (const std::string& start : starts)
    problems.push_back(
        {mdp, is_file_name(start) ? load_logits(mdp, start) : named_start<Cpu>(mdp, start), start});
  return problems;
}

std::string process_names() {
  std::string out;
  for (const auto& [name, description] : known_mdps()) {
    out += "  " + name;
    out.append(name.size() < 24 ? 24 - name.size() : 1, ' ');
    out += description + '\n';
  }
  return out;
}
