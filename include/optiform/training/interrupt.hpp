// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Notices Ctrl-C (SIGINT) and SIGTERM while it lives, so that a run can save and leave.
///
/// Contract  the first signal only sets a flag. A second Ctrl-C ends the process as usual; a
///           second SIGTERM does nothing, since whoever ends a group of processes sends it to each,
///           and their parent may pass it on. The former handlers come back with the destructor.
///           One object at a time.
class Interrupt {
 public:
  Interrupt() {
    flag() = 0;
    struct sigaction action {};
    action.sa_handler = [](int signal) { flag() = signal; };
    action.sa_flags = static_cast<int>(SA_RESTART);
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, &terminate_);
    action.sa_flags |= static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &interrupt_);
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
  }

  /// The signal that came; 0 if none did.
  int signal() const { return flag(); }
  explicit operator bool() const { return signal() != 0; }

 private:
  static volatile std::sig_atomic_t& flag() {
    static volatile std::sig_atomic_t value = 0;
    return value;
  }
  struct sigaction interrupt_ {
  }, terminate_{};
};

OPTIFORM_NAMESPACE_END
