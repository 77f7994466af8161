// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "../support/figure.hpp"
#include "exact_models.hpp"

using namespace optiform;

namespace {

bool stands_in_a_key(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
}

void require_positive(const char* name, Index number) {
  if (number < 1) fail(name, " is ", number, "; expected at least 1");
}

/// A number at the front of `text`, which loses it.
Index take_number(std::string_view& text, const std::string& all) {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc())
    fail("layers ", in_quotes(all), " are not understood; expected ranges such as 0-5,11, or none");
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}
bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

/// "0-5,11", or "none", as layers of a model that has so many.
LayerChoice read_layers(const std::string& text, Index layers) {
  LayerChoice chosen(layers);
  if (text == "none") return chosen;
  std::string_view rest = text;
  do {
    const Index first = take_number(rest, text);
    chosen.add(first, take(rest, '-') ? take_number(rest, text) : first);
  } while (take(rest, ','));
  if (!rest.empty())
    fail("layers ", in_quotes(text),
         " are not understood; expected ranges such as 0-5,11, or none");
  return chosen;
}

}  // namespace

Subject::Subject(const Request& r, const TrainedRun& trained, const Report& reports)
    : request(r),
      run(trained),
      report(reports),
      length(r.length == 0 ? trained.options().length : r.length) {
  check_numbers();
  const ModelNumbers numbers = run.numbers(request.batch, length);
  if (request.exact || request.jacobian) require_exact(run.options().rule, numbers.shape);
  for (const std::string& layers : request.hybrids)
    hybrids.push_back(read_layers(layers, run.options().layers));
  if (!request.plot.empty()) require_figure_name(request.plot);
  read_texts();
  report.prepare();
}

Index Subject::curvature_batch() const {
  if (request.curvature_batch != 0) return request.curvature_batch;
  return std::max<Index>(1, 2048 / (request.curvature.batches * length));
}

void Subject::check_numbers() const {
  require_positive("batch", request.batch);
  require_positive("length", length);
  require_positive("batches", request.perplexity.batches);
  request.curvature.validate();
  require_positive("sharpness batches", request.curvature.batches);
  require_positive("sharpness batch", curvature_batch());
  request.line.validate();
  require_positive("slice batches", request.line.batches);
  request.spectrum.validate();
  require_positive("jacobian batches", request.spectrum.batches);
  require_positive("jacobian batch", request.spectrum_batch);
  request.tuning.schedule.validate();
  require_positive("forgetting batches", request.tuning.batches);
  const Index sequences = request.tuning_sequences;
  if (!request.forgetting.empty() && (sequences < request.batch || sequences % request.batch != 0))
    fail("forgetting sequences is ", sequences, "; expected a multiple of the batch of ",
         request.batch);
}

void Subject::read_texts() {
  const auto read = [&](const std::string& name) {
    return read_tokens(name, run.tokenizer(), request.threads);
  };
  text = request.data.empty() ? run.validation_text() : read(request.data);
  require_crops(text, "validation");
  for (const std::string& corpus : request.corpora) {
    const std::size_t equals = corpus.find('=');
    if (equals == std::string::npos || equals == 0)
      fail("corpus ", in_quotes(corpus), " has no name; expected NAME=FILE");
    const std::string name = corpus.substr(0, equals);
    if (!std::all_of(name.begin(), name.end(), stands_in_a_key))
      fail("corpus ", in_quotes(corpus), " has the name ", in_quotes(name),
           "; expected letters, digits and . _ -");
    corpora.push_back({name, read(corpus.substr(equals + 1))});
    require_crops(corpora.back().tokens, corpora.back().name);
  }
  if (request.forgetting.empty()) return;
  tuning = read(request.forgetting);
  require_crops(tuning_start(), "fine-tuning");
  require_crops(tuning_end(), "target");
}

void Subject::require_crops(std::span<const std::int32_t> tokens, const std::string& what) const {
  RandomCrops(tokens, length, 0, what);  // refuses too short a text
}
