// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

/// Starts `study ARGUMENTS`, this program again, with its output at the end of a file. SIGTERM ends
/// it if this process ends. Throws optiform::Error.
pid_t start_study(const std::vector<std::string>& arguments, const std::filesystem::path& output);

/// What a process of that output and status of waitpid ended with: its last line that is not empty,
/// or the signal that ended it.
std::string last_words(const std::filesystem::path& output, int status);
