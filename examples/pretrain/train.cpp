// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cmath>
#include <new>

#include <optiform/io/checksum.hpp>
#include <optiform/training/bigram.hpp>
#include <optiform/training/generation.hpp>
#include <optiform/training/run.hpp>

#include "../support/program.hpp"
#include "config_file.hpp"
#include "data.hpp"
#include "generate.hpp"
#include "models.hpp"
#include "train.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

Schedule schedule_of(const Options& options) {
  Schedule schedule{.decay = decay_named(options.schedule),
                    .peak = options.learning_rate,
                    .warmup = options.warmup,
                    .steps = options.steps,
                    .decay_from = options.decay_from,
                    .final_fraction = options.final_rate};
  schedule.validate();
  return schedule;
}

Index planned_bytes(const AnyTrainer& trainer) {
  Index total = 0;
  for (const auto& item : trainer.plan(Purpose::training)) total += item.bytes;
  return total;
}

double machine_bytes() {
  return static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Where memory is promised and then taken back by a kill, only arithmetic can refuse in time.
void check_memory(const AnyTrainer& trainer) {
  const double mebibyte = 1 << 20;
  const double machine = machine_bytes();
  const auto planned = static_cast<double>(planned_bytes(trainer));
  if (planned > machine)
    fail("the run needs ", std::ceil(planned / mebibyte), " MiB of memory and this machine has ",
         std::floor(machine / mebibyte), "; expected a smaller shape, batch, length or vocabulary");
}

void print_plan(const AnyTrainer& trainer, Index budget_mebibytes) {
  std::printf("parameters %lld\n", static_cast<long long>(trainer.parameters().count()));
  const Index total = planned_bytes(trainer);
  std::printf("memory %lld bytes (%.1f MiB):", static_cast<long long>(total),
              static_cast<double>(total) / (1 << 20));
  const char* separator = " ";
  for (const auto& item : trainer.plan(Purpose::training)) {
    std::printf("%s%s %.1f", separator, item.name.c_str(),
                static_cast<double>(item.bytes) / (1 << 20));
    separator = ", ";
  }
  const double budget =
      budget_mebibytes > 0 ? static_cast<double>(budget_mebibytes) * (1 << 20) : machine_bytes();
  const Index batch = trainer.largest_batch(Purpose::training, static_cast<Index>(budget));
  std::printf("\nlargest batch %lld in %.0f MiB\n", static_cast<long long>(batch),
              budget / (1 << 20));
}

bool holds_only(const fs::path& directory, const std::string& name) {
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.path().filename() != name) return false;
  return true;
}

/// Refuses to touch a directory that is somebody else's or another run's.
void check_directory(const Options& options, bool resume) {
  const fs::path out = options.out;
  if (!fs::exists(out)) return;
  if (!fs::is_directory(out)) fail("run directory ", in_quotes(out), " is a file");
  // A run killed while it wrote its first file left at most that file's temporary.
  if (fs::is_empty(out) ||
      (resume && !fs::exists(out / "config.toml") && holds_only(out, "config.toml.tmp")))
    return;
  if (!resume)
    fail("run directory ", in_quotes(out),
         " is not empty; use --resume to go on with that run, or --out to name another directory");
  if (!fs::exists(out / "config.toml"))
    fail("cannot resume in ", in_quotes(out), ": it is no run directory, config.toml is missing");
  require_same_run(options);
}

/// What a resume must find unchanged.
nlohmann::json fixed_configuration(const Options& options, const Data& data) {
  nlohmann::json fixed;
  each_option(options, [&](const char* name, const auto& value, const char*, bool bits) {
    if (bits) fixed[name] = value;
  });
  fixed["checksum of the tokenizer"] = checksum(data.tokenizer->serialized());
  fixed["checksum of the training text"] =
      checksum(data.training.data(), data.training.size() * sizeof(std::int32_t));
  fixed["checksum of the validation text"] =
      checksum(data.validation.data(), data.validation.size() * sizeof(std::int32_t));
  if (data.shards) fixed["tokens of the training shards"] = data.size;
  return fixed;
}

std::string sample(AnyTrainer& trainer, const Tokenizer& tokenizer, const Options& options) {
  const std::string prompt = options.prompt.empty() ? "The " : options.prompt;
  const auto decoder = trainer.decoder(1, options.length);
  return prompt + generate(*decoder, tokenizer, {prompt},
                           {.sampling = {.seed = options.seed}, .tokens = options.sample_tokens})
                      .texts[0]
                      .text;
}

void write_summary(const Options& options, const AnyTrainer& trainer, const RunState& state,
                   const BigramBaseline& bigram) {
  const double tokens =
      static_cast<double>(state.step * options.accumulate * options.batch * options.length);
  std::string text = message(
      "rule ", options.rule, "\nparameters ", trainer.parameters().count(), "\nsteps ", state.step,
      "\nvalidation_loss ", state.last_validation_loss, "\nbest_validation_loss ",
      state.best_validation_loss, "\nbigram_loss ", bigram.loss, "\nbigram_lambda ", bigram.lambda,
      "\ntokens_per_second ", tokens / state.seconds, "\nseconds ", state.seconds, "\n");
  write_file(fs::path(options.out) / "summary.txt", text);
  std::printf(
      "validation loss %.4f (best %.4f), bigram %.4f: %s\n", state.last_validation_loss,
      state.best_validation_loss, bigram.loss,
      state.last_validation_loss < bigram.loss ? "below the bigram" : "not below the bigram");
}

int train(const Command& command) {
  Options options = command.options;
  const bool resume = command.resume;
  const fs::path out = options.out;
  auto tokenizer = known_tokenizer(options.tokenizer);
  resolve_vocabulary(options, tokenizer.get());
  const Schedule schedule = schedule_of(options);
  if (options.memory < 0) fail("memory is ", options.memory, " MiB; expected 0 or more");
  const auto trainer = make_trainer(options);
  if (!command.brief) std::printf("%s\n", to_toml(options).c_str());
  print_plan(*trainer, options.memory);
  std::fflush(stdout);
  if (command.dry_run) return 0;

  check_memory(*trainer);
  check_directory(options, resume);
  const bool resumed = resume && !checkpoint_steps(out / "checkpoints").empty();
  if (resumed && !tokenizer) tokenizer = load_tokenizer(out / "tokenizer.model");
  const Data data = read_data(options, std::move(tokenizer));
  TrainingBlocks(data.source(), options.length, options.seed);  // refuses too short a text
  const ValidationBlocks validation(data.validation, options.length, options.validation_blocks);
  const auto bigram = bigram_baseline(data.training, options.vocabulary, validation);
  std::printf("tokens %lld for training, %zu for validation (%lld sequences of %lld are used)\n",
              static_cast<long long>(data.size), data.validation.size(),
              static_cast<long long>(validation.count), static_cast<long long>(options.length));
  std::printf("bigram %.4f nats per token on the same validation tokens, lambda %.3f\n",
              bigram.loss, bigram.lambda);
  std::fflush(stdout);

  trainer->allocate(Purpose::training);
  TrainingRun run(*trainer, data.source(), validation,
                  {.directory = out,
                   .schedule = schedule,
                   .validate_every = options.validate_every,
                   .save_every = options.save_every,
                   .resume = resume,
                   .configuration = fixed_configuration(options, data),
                   .baseline = bigram.loss});
  if (!resumed) {
    fs::create_directories(out);
    write_file(out / "config.toml", to_toml(options));
    if (const auto model = data.tokenizer->serialized(); !model.empty())
      write_file(out / "tokenizer.model", model);
  }
  const auto write_sample = [&](const std::string& name) {
    if (options.sample_tokens < 1) return std::string();
    const std::string text = sample(*trainer, *data.tokenizer, options);
    fs::create_directories(out / "samples");
    write_file(out / "samples" / (name + ".txt"), text + "\n");
    return text;
  };
  const RunEnd end = run([&](const LogRow& row) {
    if (row.step > 0 && options.sample_every > 0 && row.step % options.sample_every == 0)
      write_sample(message("step-", row.step));
  });
  if (end == RunEnd::interrupted) {
    std::printf("stopped by a signal after step %lld; saved, go on with --resume --out %s\n",
                static_cast<long long>(run.state().step), options.out.c_str());
    return 128 + run.signal();
  }
  write_summary(options, *trainer, run.state(), bigram);
  if (const std::string text = write_sample("final"); !text.empty())
    std::printf("sample: %s\n", text.c_str());
  return 0;
}

}  // namespace

int pretrain_main(int argc, char** argv) {
  if (argc > 0 && fs::path(argv[0]).filename() == "generate") return generate_main(argc, argv);
  return run_program("pretrain", [&] {
    const Command command = read_command(argc, argv);
    try {
      return command.help ? 0 : train(command);
    } catch (const NotFinite& error) {
      std::fprintf(stderr, "pretrain: %s\n", error.what());
      return 3;
    } catch (const std::bad_alloc&) {
      fail("there is not enough memory; --dry-run prints what is needed");
    }
  });
}
