// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <charconv>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <optiform/core/error.hpp>
#include <optiform/io/file.hpp>

#include "../support/program.hpp"
#include "config_file.hpp"

#include "models.hpp"

using optiform::fail;
using optiform::in_quotes;
using optiform::Index;

namespace {

template <class O>
void declare(CLI::App& app, O& options) {
  each_option(options, [&](const char* name, auto& member, const char* description, bool) {
    // The last one wins: the command line follows the file.
    app.add_option(std::string("--") + name, member, description)
        ->capture_default_str()
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  });
}

/// A TOML file as command-line arguments; unknown keys are refused with their line.
std::vector<std::string> arguments_of(const std::string& path, const CLI::App& app) {
  std::vector<std::string> arguments;
  for (const ConfigEntry& entry : read_config(path)) {
    if (app.get_option_no_throw("--" + entry.key) == nullptr || entry.key == "config" ||
        entry.key == "help")
      fail("config ", in_quotes(path), ", line ", entry.line, ": key ", in_quotes(entry.key),
           " is not an option; pretrain --help lists them");
    if (!entry.single)
      fail("config ", in_quotes(path), ", line ", entry.line, ": key ", in_quotes(entry.key),
           " has no single value; expected a number or a string");
    // CLI11 would take the next argument for an empty value; empty is the default anyway.
    if (!entry.value.empty()) arguments.push_back("--" + entry.key + "=" + entry.value);
  }
  return arguments;
}

/// The order in which CLI11 asks for a vector of arguments.
std::vector<std::string> backwards(std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

/// Fills in what was left to the shape.
void resolve(Options& o) {
  const Preset& preset = preset_named(o.shape);
  constexpr Index million = 1'000'000;
  const auto require = [](const char* name, Index number, Index most) {
    if (number < 0 || number > most) fail(name, " is ", number, "; expected 0 to ", most);
  };
  require("layers", o.layers, 10'000);
  require("vocabulary", o.vocabulary, 16 * million);
  require("context", o.context, 16 * million);
  require("batch", o.batch, million);
  require("length", o.length, 16 * million);
  require("accumulate", o.accumulate, million);
  require("threads", o.threads, 1024);
  require("steps", o.steps, million * million);
  require("validate-every", o.validate_every, million * million);
  require("save-every", o.save_every, million * million);
  require("sample-every", o.sample_every, million * million);
  require("sample-tokens", o.sample_tokens, million);
  const auto fill = [](Index& number, Index from) {
    if (number == 0) number = from;
  };
  fill(o.layers, preset.layers);
  fill(o.batch, preset.batch);
  if (o.length == 0) o.length = o.context > 0 ? std::min(o.context, preset.length) : preset.length;
  fill(o.context, std::max(preset.context, o.length));
  if (o.tokenizer.empty()) {
    fill(o.vocabulary, preset.vocabulary);
    o.tokenizer = preset.tokenizer == "bpe" ? optiform::message("bpe:", o.vocabulary)
                                            : std::string(preset.tokenizer);
  }
  if (o.steps > 0) {
    fill(o.validate_every, std::max<Index>(1, o.steps / 20));
    fill(o.decay_from, o.steps - o.steps / 5);
  }
  if (o.out.empty()) o.out = "runs/" + o.rule + "-" + o.shape;
}

}  // namespace

Command read_command(int argc, const char* const* argv) {
  Command command;
  std::string config;
  CLI::App app("Trains a Transformer whose layers are steps of an optimizer.", "pretrain");
  declare(app, command.options);
  app.add_option("--config", config, "TOML file with any of these options");
  app.add_flag("--resume", command.resume, "go on from the run directory's last checkpoint");
  app.add_flag("--dry-run", command.dry_run, "print configuration and sizes, then stop");
  app.add_flag("--brief", command.brief, "do not print the configuration");
  command.help = !parse_arguments(app, argc, argv);
  if (command.help) return command;
  // A resume without a file of its own continues what the run directory says.
  Options named = command.options;
  if (named.out.empty()) named.out = "runs/" + named.rule + "-" + named.shape;
  const auto saved = std::filesystem::path(named.out) / "config.toml";
  if (config.empty() && command.resume && std::filesystem::exists(saved)) config = saved.string();
  if (!config.empty()) {
    auto all = arguments_of(config, app);
    all.insert(all.end(), argv + 1, argv + argc);
    command = {};
    parse_arguments(app, backwards(std::move(all)));
  }
  resolve(command.options);
  return command;
}

Options read_run_options(const std::string& directory) {
  const std::string path = (std::filesystem::path(directory) / "config.toml").string();
  Options options;
  CLI::App app;
  declare(app, options);
  try {
    app.parse(backwards(arguments_of(path, app)));
  } catch (const CLI::ParseError& error) {
    fail("config ", in_quotes(path), ": ", one_line(error.what()));
  }
  resolve(options);
  return options;
}

void require_same_run(const Options& options) {
  const Options saved = read_run_options(options.out);
  each_option(options, [&](const char* name, const auto& now, const char*, bool bits) {
    if (!bits) return;
    each_option(saved, [&](const char* other, const auto& before, const char*, bool) {
      if constexpr (std::is_same_v<decltype(now), decltype(before)>)
        if (std::string_view(name) == other && now != before)
          fail("cannot resume in ", in_quotes(options.out), ": ", name, " was ", before,
               " there and is ", now, " now");
    });
  });
}

Index bpe_pieces(const std::string& tokenizer) {
  if (!tokenizer.starts_with("bpe:")) return 0;
  Index pieces = 0;
  const char* const end = tokenizer.data() + tokenizer.size();
  const auto parsed = std::from_chars(tokenizer.data() + 4, end, pieces);
  if (parsed.ec != std::errc{} || parsed.ptr != end || pieces < 1 || pieces > 1'000'000)
    fail("tokenizer ", in_quotes(tokenizer), " names no number of pieces; expected, say, bpe:4096");
  return pieces;
}
