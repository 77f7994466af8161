// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include <optiform/io/tokenizer.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Everything `command` writes to its standard output; fails unless it succeeds.
inline std::string output_of(const std::string& command, const std::string& on_failure) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) fail(on_failure);
  std::string text;
  char buffer[1 << 16];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  if (::pclose(pipe) != 0) fail(on_failure);
  return text;
}

}  // namespace detail

/// Reads a text file; a name ending in .xz is unpacked by the xz program.
///
/// Errors    missing, unreadable, empty or damaged files are an Error naming the path.
inline std::string read_text(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) fail("text file '", path.string(), "' does not exist");
  if (std::filesystem::is_directory(path, error))
    fail("text file '", path.string(), "' is a directory");
  std::string text;
  if (path.extension() == ".xz") {
    std::string quoted = "'";
    for (const char c : path.string())
      quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text = detail::output_of("xz -dc -- " + quoted + "' 2>/dev/null",
                             message("text file '", path.string(),
                                     "' cannot be unpacked: it is damaged or truncated, or the xz "
                                     "program is not installed"));
  } else {
    std::ifstream file(path, std::ios::binary);
    const auto size = std::filesystem::file_size(path, error);
    if (!file || error) fail("text file '", path.string(), "' cannot be read");
    text.resize(size);
    if (!file.read(text.data(), static_cast<std::streamsize>(size)))
      fail("text file '", path.string(), "' cannot be read");
  }
  if (text.empty()) fail("text file '", path.string(), "' is empty");
  return text;
}

/// Tokens of a whole text, encoded by several threads.
///
/// Contract  the tokens of tokenizer.encode(text): it is cut after fixed amounts, where the
/// tokenizer
///           says that no token changes. The number of threads changes nothing.
inline std::vector<std::int32_t> encode_text(const Tokenizer& tokenizer, std::string_view text,
                                             int threads) {
  constexpr std::size_t segment = 1 << 20;
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t size = tokenizer.safe_cut(text, segment);
    parts.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  std::vector<std::vector<std::int32_t>> ids(parts.size());
  std::vector<std::exception_ptr> faults(static_cast<std::size_t>(std::max(threads, 1)));
  std::atomic<std::size_t> next{0};
  const auto work = [&](std::size_t thread) {
    try {
      for (std::size_t i; (i = next++) < parts.size();) tokenizer.encode(parts[i], ids[i]);
    } catch (...) {
      faults[thread] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 1; i < std::min(faults.size(), parts.size()); ++i)
      workers.emplace_back(work, i);
    work(0);
  }
  for (const auto& fault : faults)
    if (fault) std::rethrow_exception(fault);
  std::vector<std::int32_t> all;
  std::size_t total = 0;
  for (const auto& part : ids) total += part.size();
  all.reserve(total);
  for (const auto& part : ids) all.insert(all.end(), part.begin(), part.end());
  return all;
}

/// Tokens of the documents that `mark` separates in a text, each behind an end-of-text token, as
/// llm.c lays out its data. An empty mark separates nothing.
///
/// Errors    several documents, but a tokenizer without end_of_text().
inline std::vector<std::int32_t> encode_documents(const Tokenizer& tokenizer, std::string_view text,
                                                  std::string_view mark, int threads) {
  std::vector<std::int32_t> all;
  while (!text.empty()) {
    const std::size_t end = mark.empty() ? text.size() : std::min(text.find(mark), text.size());
    const auto document = text.substr(0, end);
    text.remove_prefix(end < text.size() ? end + mark.size() : end);
    if (document.empty()) continue;
    if (tokenizer.end_of_text() >= 0)
      all.push_back(tokenizer.end_of_text());
    else if (!all.empty())
      fail("the text has several documents, but the tokenizer no end-of-text token to begin them");
    const auto ids = encode_text(tokenizer, document, threads);
    all.insert(all.end(), ids.begin(), ids.end());
  }
  return all;
}

/// The texts of one run. Tokenizers are trained on `training` only.
struct CorpusText {
  std::string training, validation;
};

/// Reads both texts; without a validation file the last 5 % of the text, from a line start if
/// there is one nearby, are set aside.
inline CorpusText read_corpus(const std::filesystem::path& data,
                              const std::filesystem::path& validation) {
  CorpusText corpus{read_text(data), {}};
  if (!validation.empty()) {
    corpus.validation = read_text(validation);
    return corpus;
  }
  std::string& text = corpus.training;
  std::size_t cut = text.size() - text.size() / 20;
  const std::size_t line_end = text.find('\n', cut);
  if (line_end != std::string::npos && line_end + 1 - cut < text.size() / 100) cut = line_end + 1;
  corpus.validation = text.substr(cut);
  text.resize(cut);
  return corpus;
}

OPTIFORM_NAMESPACE_END
