// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

/// Starts `study ARGUMENTS`, this program again, with its output at the end of a file. SIGTERM ends
/// it if this process ends. Throws optiform::Error.
pid_t start_study(const std::vector<std::string>& arguments, const std::filesystem::path& output);

/// The last line of such a file that is not empty.
std::string last_line(const std::filesystem::path& output);
