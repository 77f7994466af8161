// SPDX-License-Identifier: MIT
#include "trained_run.hpp"

#include <algorithm>

#include <optiform/io/checksum.hpp>

using namespace optiform;
namespace fs = std::filesystem;

TrainedRun::TrainedRun(const std::string& directory, int threads) : directory_(directory) {
  if (!fs::is_directory(directory_))
    fail("run directory ", in_quotes(directory_), " does not exist");
  options_ = read_run_options(directory);
  options_.threads = threads;
  options_.ema = 0;  // load_parameters takes the average where there is one
  tokenizer_ = options_.tokenizer == "bytes" ? known_tokenizer(options_.tokenizer)
                                             : load_tokenizer(directory_ / "tokenizer.model");
  resolve_vocabulary(options_, tokenizer_.get());
  const auto newest = CheckpointReader::open_latest(directory_ / "checkpoints");
  if (!newest) fail("there is no checkpoint in ", in_quotes(directory_ / "checkpoints"));
  const auto saved = newest->state().value("configuration", nlohmann::json::object());
  if (saved.value("checksum of the tokenizer", "") != checksum(tokenizer_->serialized()))
    fail("tokenizer ", in_quotes(directory_ / "tokenizer.model"),
         " is not the one that the model was trained with");
  validation_checksum_ = saved.value("checksum of the validation text", "");
}

std::vector<std::int32_t> TrainedRun::validation_text() const {
  auto tokens = read_validation_tokens(options_, *tokenizer_);
  if (validation_checksum_.empty()) return tokens;
  // Of token shards the run has read the beginning.
  const auto read = static_cast<std::size_t>(options_.validation_blocks * options_.length + 1);
  for (const std::size_t size : {tokens.size(), std::min(read, tokens.size())})
    if (checksum(tokens.data(), size * sizeof(std::int32_t)) == validation_checksum_) return tokens;
  fail("the text ", in_quotes(options_.validation.empty() ? options_.data : options_.validation),
       " is not the one that the run was validated on; name a text with --data");
}

ModelNumbers TrainedRun::numbers(Index batch, Index length) const {
  if (length > options_.length)
    fail("length is ", length, " tokens; expected at most the run's ", options_.length,
         ", since the model has not learned what later positions are");
  Options sizes = options_;
  sizes.batch = batch;
  sizes.length = length;
  sizes.accumulate = 1;
  sizes.sam = 0;
  return model_numbers(sizes);
}

TrainerPointer TrainedRun::model(const ModelNumbers& numbers, Purpose purpose) const {
  auto made = make_trainer(options_.rule, numbers);
  made->allocate(purpose);
  load_parameters(directory_ / "checkpoints", *made);
  return made;
}
