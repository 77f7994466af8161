// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <optiform/io/atomic_file.hpp>
#include <optiform/io/tensorboard.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// One line of a training log. Losses are nats per token; NaN leaves a cell empty.
struct LogRow {
  std::int64_t step = 0;    ///< updates done so far
  std::int64_t tokens = 0;  ///< tokens trained on so far
  double training_loss = 0;
  double validation_loss = 0;
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  double tokens_per_second = 0;
  double seconds = 0;  ///< spent in this run, pauses between resumes left out
};

/// The log of a run as a CSV file, readable by gnuplot, pandas and spreadsheets.
///
/// Contract  `keep_until` drops the rows after a step, as a resume needs; appending allocates
///           nothing; `flush` brings all rows to the disk.
/// Errors    Error when the file cannot be written (for instance, a full disk).
class CsvLog {
 public:
  static constexpr const char* header =
      "step,tokens,training_loss,validation_loss,learning_rate,gradient_norm,tokens_per_second,"
      "seconds\n";

  CsvLog(const std::filesystem::path& path, std::int64_t keep_until) : path_(path) {
    std::string kept = header;
    if (keep_until >= 0) kept += rows_until(path, keep_until);
    write_file(path, kept);
    file_.reset(std::fopen(path.c_str(), "ae"));
    if (file_ == nullptr) fail("cannot write ", in_quotes(path_), ": ", detail::reason(errno));
    std::setvbuf(file_.get(), buffer_, _IOFBF, sizeof buffer_);
  }

  void append(const LogRow& row) {
    char line[400];
    int size = std::snprintf(line, sizeof line, "%lld,%lld", static_cast<long long>(row.step),
                             static_cast<long long>(row.tokens));
    for (const double value : {row.training_loss, row.validation_loss, row.learning_rate,
                               row.gradient_norm, row.tokens_per_second, row.seconds}) {
      const auto at = static_cast<std::size_t>(size);
      size += value == value ? std::snprintf(line + at, sizeof line - at, ",%.9g", value)
                             : std::snprintf(line + at, sizeof line - at, ",");
    }
    line[size++] = '\n';
    const auto bytes = static_cast<std::size_t>(size);
    if (std::fwrite(line, 1, bytes, file_.get()) != bytes) refuse();
  }

  void flush() {
    if (std::fflush(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0) refuse();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  [[noreturn]] void refuse() const {
    fail("cannot write ", in_quotes(path_), ": ", detail::reason(errno));
  }

  /// The complete rows of an earlier log up to and including a step.
  static std::string rows_until(const std::filesystem::path& path, std::int64_t step) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return {};
    const std::string text = read_file(path);
    std::string kept;
    std::size_t at = text.find('\n');
    while (at != std::string::npos && ++at < text.size()) {
      const std::size_t end = text.find('\n', at);
      if (end == std::string::npos) break;  // cut off by a kill
      char* rest = nullptr;
      const auto number = std::strtoll(text.c_str() + at, &rest, 10);
      if (*rest != ',' || number > step) break;
      kept.append(text, at, end + 1 - at);
      at = end;
    }
    return kept;
  }

  std::filesystem::path path_;
  char buffer_[1 << 14];
  std::unique_ptr<std::FILE, Close> file_;  // after the buffer: closed before that ends
};

/// What a run says of its steps: `log.csv` and, for TensorBoard, `tensorboard/` in its directory.
///
/// Contract  as CsvLog; TensorBoard's readers forget the steps that a resume repeats.
class RunLog {
 public:
  RunLog(const std::filesystem::path& directory, std::int64_t keep_until)
      : csv_(directory / "log.csv", keep_until), events_(directory / "tensorboard", keep_until) {}

  void append(const LogRow& row) {
    csv_.append(row);
    const auto show = [&](const char* tag, double value) {
      if (value == value) events_.scalar(tag, static_cast<float>(value), row.step);
    };
    show("loss/training", row.training_loss);
    show("loss/validation", row.validation_loss);
    show("optimizer/learning rate", row.learning_rate);
    show("optimizer/gradient norm", row.gradient_norm);
    show("speed/tokens per second", row.tokens_per_second);
  }

  /// What the run was told, as text for TensorBoard.
  void describe(std::string_view markdown) { events_.text("configuration", markdown, 0); }

  void flush() {
    csv_.flush();
    events_.flush();
  }

 private:
  CsvLog csv_;
  TensorBoardWriter events_;
};

OPTIFORM_NAMESPACE_END
