// SPDX-License-Identifier: MIT
#include "runs.hpp"

#include <algorithm>
#include <filesystem>

using namespace optiform;

Run read_run(const std::string& directory) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(directory))
    fail("run directory ", in_quotes(directory),
         " does not exist; expected one that holds log.csv");
  Run run;
  run.title = fs::path(directory).lexically_normal();
  run.log = read_log(fs::path(directory) / "log.csv");
  while (run.title.size() > 1 && run.title.ends_with('/')) run.title.pop_back();
  for (const LogRow& row : run.log)
    if (std::isfinite(row.validation_loss) && std::isfinite(row.seconds))
      run.validations.push_back(row);
  if (run.validations.empty())
    fail("run directory ", in_quotes(directory), ": its log holds no validation yet");
  run.best = run.validations[0].validation_loss;
  for (const LogRow& row : run.validations) run.best = std::min(run.best, row.validation_loss);
  return run;
}
