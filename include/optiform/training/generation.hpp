// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <optiform/core/random.hpp>
#include <optiform/io/tokenizer.hpp>
#include <optiform/training/any_trainer.hpp>
#include <optiform/training/sampling.hpp>
#include <optiform/training/text_stream.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a text is continued with, and until when.
struct GenerationOptions {
  SamplingOptions sampling = {};
  Index tokens = 200;                   ///< most new tokens of each text
  std::vector<std::string> stops = {};  ///< a text ends before the first of these
  std::int32_t end_of_text = -1;        ///< a text ends at this token; -1: at the tokenizer's

  void validate() const {
    sampling.validate();
    if (tokens < 1) fail("number of tokens is ", tokens, "; expected at least 1");
    for (const std::string& stop : stops)
      if (stop.empty()) fail("a stop string is empty; expected at least one character");
  }
};

/// One continuation.
struct GeneratedText {
  std::string text;               ///< without the prompt, and without what stopped it
  std::vector<std::int32_t> ids;  ///< prompt and all new tokens
  Index prompt_tokens = 0;
  bool stopped = false;  ///< by a stop string or the end of text

  Index new_tokens() const { return static_cast<Index>(ids.size()) - prompt_tokens; }
};

/// Continuations and what they took.
struct Generation {
  std::vector<GeneratedText> texts;
  double prompt_seconds = 0;  ///< reading the prompts, up to the first new token of each
  double seconds = 0;         ///< all other tokens

  Index prompt_tokens() const {
    return sum([](auto& t) { return t.prompt_tokens; });
  }
  Index new_tokens() const {
    return sum([](auto& t) { return t.new_tokens(); });
  }
  /// New tokens of all texts per second, the first of each apart; 0 if there are no others.
  double tokens_per_second() const {
    const Index others = new_tokens() - static_cast<Index>(texts.size());
    return others > 0 && seconds > 0 ? static_cast<double>(others) / seconds : 0;
  }

 private:
  template <class F>
  Index sum(F&& f) const {
    Index total = 0;
    for (const GeneratedText& t : texts) total += f(t);
    return total;
  }
};

namespace detail {

/// The texts of one call of `generate` on their way.
class GenerationRun {
 public:
  GenerationRun(AnyDecoder& decoder, const Tokenizer& tokenizer,
                const std::vector<std::string>& prompts, const GenerationOptions& options)
      : decoder_(decoder),
        tokenizer_(tokenizer),
        options_(options),
        sampler_(sampling_of(options, tokenizer)),
        end_of_text_(options.end_of_text >= 0 ? options.end_of_text : tokenizer.end_of_text()),
        texts_(prompts.size()),
        vocabulary_(static_cast<std::size_t>(decoder.vocabulary())) {
    if (static_cast<Index>(prompts.size()) != decoder.sequences())
      fail("there are ", prompts.size(), " prompts, expected ", decoder.sequences());
    for (std::size_t b = 0; b < prompts.size(); ++b) {
      auto& ids = texts_[b].ids;
      tokenizer.encode(prompts[b], ids);
      if (ids.empty()) ids.push_back(end_of_text_ >= 0 ? end_of_text_ : 0);
      texts_[b].prompt_tokens = static_cast<Index>(ids.size());
      random_.emplace_back(options.sampling.seed, b);
      streams_.emplace_back(options.stops);
      decoder.restart(static_cast<Index>(b));
      waiting_.push_back(last(b, decoder.capacity()));
    }
    logits_.resize(prompts.size() * vocabulary_);
  }

  template <class OnText>
  Generation operator()(OnText& on_text) {
    const auto seconds = [](auto&& f) {
      const auto start = std::chrono::steady_clock::now();
      f();
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    Generation result;
    result.prompt_seconds = seconds([&] { advance(on_text); });
    result.seconds = seconds([&] {
      while (unfinished_ > 0) advance(on_text);
    });
    result.texts = std::move(texts_);
    return result;
  }

 private:
  using Tokens = std::span<const std::int32_t>;

  static SamplingOptions sampling_of(const GenerationOptions& options, const Tokenizer& tokenizer) {
    options.validate();
    SamplingOptions sampling = options.sampling;
    // A model's table may be padded beyond what the tokenizer can spell.
    if (sampling.vocabulary == 0) sampling.vocabulary = tokenizer.vocabulary();
    return sampling;
  }
  Tokens last(std::size_t b, Index most) const {
    const Tokens all = texts_[b].ids;
    return all.last(std::min(all.size(), static_cast<std::size_t>(most)));
  }

  /// Feeds what is waiting and draws a token for every text that goes on.
  template <class OnText>
  void advance(OnText& on_text) {
    decoder_.append(waiting_, logits_);
    unfinished_ = 0;
    for (std::size_t b = 0; b < texts_.size(); ++b) {
      if (waiting_[b].empty()) continue;
      GeneratedText& text = texts_[b];
      const auto id = sampler_(std::span(logits_).subspan(b * vocabulary_, vocabulary_), text.ids,
                               random_[b].uniform());
      text.ids.push_back(id);
      piece_.clear();
      if (id == end_of_text_)
        text.stopped = true;
      else
        tokenizer_.decode(std::span(&id, 1), piece_);
      show(b, streams_[b].add(piece_), on_text);
      text.stopped = text.stopped || streams_[b].stopped();
      const bool done = text.stopped || text.new_tokens() == options_.tokens;
      if (done) show(b, streams_[b].finish(), on_text);
      unfinished_ += done ? 0 : 1;
      waiting_[b] = done ? Tokens() : next(b);
    }
  }

  /// The newest token, or with a full sequence its last half, to be read anew from position 0.
  Tokens next(std::size_t b) {
    const auto sequence = static_cast<Index>(b);
    if (decoder_.length(sequence) < decoder_.capacity()) return last(b, 1);
    decoder_.restart(sequence);
    return last(b, decoder_.capacity() / 2 + 1);
  }

  template <class OnText>
  void show(std::size_t b, std::string shown, OnText& on_text) {
    if (shown.empty()) return;
    texts_[b].text += shown;
    on_text(static_cast<Index>(b), std::string_view(shown));
  }

  AnyDecoder& decoder_;
  const Tokenizer& tokenizer_;
  const GenerationOptions& options_;
  Sampler sampler_;
  std::int32_t end_of_text_;
  std::vector<GeneratedText> texts_;
  std::size_t vocabulary_;
  std::vector<Rng> random_;
  std::vector<TextStream> streams_;
  std::vector<Tokens> waiting_;
  std::vector<float> logits_;
  std::string piece_;
  Index unfinished_ = 0;
};

}  // namespace detail

/// Continues one prompt per sequence of the decoder.
///
///   const Generation g = generate(*trainer.decoder(1, 256), tokenizer, {"It was "}, {},
///                                 [](Index, std::string_view piece) { std::cout << piece; });
///
/// Contract  on_text(number of the prompt, piece) is called as soon as a piece of text is certain:
///           whole characters, nothing of a stop string. Text b draws from random stream b of the
///           seed, so that it depends on its prompt and number alone, to rounding. A text that
///           outgrows the decoder's capacity goes on with its last half; of a longer prompt the
///           end is read.
/// Limits    an empty prompt starts with the end of text, or with token 0.
/// Errors    options that mean nothing, another number of prompts than sequences, prompts with
///           tokens outside the model's vocabulary.
template <class OnText>
Generation generate(AnyDecoder& decoder, const Tokenizer& tokenizer,
                    const std::vector<std::string>& prompts, const GenerationOptions& options,
                    OnText&& on_text) {
  return detail::GenerationRun(decoder, tokenizer, prompts, options)(on_text);
}
inline Generation generate(AnyDecoder& decoder, const Tokenizer& tokenizer,
                           const std::vector<std::string>& prompts,
                           const GenerationOptions& options) {
  return generate(decoder, tokenizer, prompts, options, [](Index, std::string_view) {});
}

OPTIFORM_NAMESPACE_END
