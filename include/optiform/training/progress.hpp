// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Shows how far a run is: a bar on a terminal, a line now and then elsewhere.
///
///   [=========>          ]  1200/4000  loss 3.412  validation 3.509  8120 tokens/s  5:44 left
///
/// Contract  writes to `out` only; allocates nothing; redraws at most ten times a second. Where
///           `out` is no terminal, there is a line per validation and one every 30 seconds.
class Progress {
 public:
  /// `baseline` is a loss to be shown beside the validation loss; NaN shows none.
  explicit Progress(std::int64_t steps, std::FILE* out = stdout, double baseline = NAN)
      : out_(out), terminal_(::isatty(::fileno(out)) == 1), steps_(steps), baseline_(baseline) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `validated` says that the validation loss is new.
  void show(std::int64_t step, double training_loss, double validation_loss,
            double tokens_per_second, double seconds_left, bool validated) {
    const double pause = terminal_ ? 0.1 : 30;
    const auto now = std::chrono::steady_clock::now();
    const bool due = std::chrono::duration<double>(now - shown_).count() >= pause;
    if (!due && !validated && step != steps_) return;
    shown_ = now;
    if (std::isfinite(validation_loss)) validation_loss_ = validation_loss;
    clear();
    char text[160];
    const int size =
        describe(text, sizeof text, step, training_loss, tokens_per_second, seconds_left);
    if (terminal_) {
      // A line that fills the terminal would wrap, and then not be removed.
      const int room = columns() - 1;
      draw_bar(step, std::min(room - size - 3, 24));
      std::fprintf(out_, "%.*s", room, text);
    } else {
      std::fprintf(out_, "%s\n", text);
    }
    drawn_ = terminal_;
    std::fflush(out_);
  }

  /// Removes the bar, so that other output starts on a clean line.
  void clear() {
    if (drawn_) std::fputs("\r\033[K", out_);
    drawn_ = false;
  }

 private:
  int describe(char* text, std::size_t capacity, std::int64_t step, double training_loss,
               double tokens_per_second, double seconds_left) const {
    int size = 0;
    const auto add = [&](const char* format, auto... values) {
      const auto at = static_cast<std::size_t>(size);
      size += std::snprintf(text + at, capacity - at, format, values...);
      size = std::min(size, static_cast<int>(capacity) - 1);
    };
    add("%*lld/%lld", width(steps_), static_cast<long long>(step), static_cast<long long>(steps_));
    if (std::isfinite(training_loss)) add("  loss %.4f", training_loss);
    if (std::isfinite(validation_loss_)) add("  validation %.4f", validation_loss_);
    if (std::isfinite(validation_loss_) && std::isfinite(baseline_))
      add(" (bigram %.4f)", baseline_);
    if (tokens_per_second > 0) {
      const auto left = static_cast<long long>(std::llround(std::max(seconds_left, 0.0)));
      add("  %.0f tokens/s  ", tokens_per_second);
      if (left >= 3600)
        add("%lld:%02lld:%02lld left", left / 3600, left / 60 % 60, left % 60);
      else
        add("%lld:%02lld left", left / 60, left % 60);
    }
    return size;
  }

  int columns() const {
    winsize size{};
    return ::ioctl(::fileno(out_), TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
  }

  void draw_bar(std::int64_t step, int cells) {
    if (cells < 4) return;
    char bar[64];
    const auto done = static_cast<int>(step * cells / std::max<std::int64_t>(steps_, 1));
    for (int i = 0; i < cells; ++i) bar[i] = i < done ? '=' : i == done ? '>' : ' ';
    std::fprintf(out_, "[%.*s] ", cells, bar);
  }
  static int width(std::int64_t number) {
    int digits = 1;
    while (number /= 10) ++digits;
    return digits;
  }

  std::FILE* out_;
  bool terminal_, drawn_ = false;
  std::int64_t steps_;
  double baseline_;
  double validation_loss_ = std::numeric_limits<double>::quiet_NaN();
  std::chrono::steady_clock::time_point shown_{};
};

OPTIFORM_NAMESPACE_END
