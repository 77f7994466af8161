// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include <optiform/core/error.hpp>

/// Text of a library, fit for a message of one line.
inline std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return text;
}

/// Parses the arguments of a program by app.parse(arguments...); false if they asked for help,
/// which is printed.
/// Errors  what does not parse, with a pointer to --help.
template <class... Arguments>
bool parse_arguments(CLI::App& app, Arguments&&... arguments) {
  try {
    app.parse(std::forward<Arguments>(arguments)...);
    return true;
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return false;
  } catch (const CLI::ParseError& error) {
    optiform::fail(one_line(error.what()), "; ", app.get_name(), " --help lists all options");
  }
}

/// The main of a program. What body() throws is printed on the error stream, as one line.
/// Returns  what body() returns; 2 if it threw.
template <class Body>
int run_program(const char* name, Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "%s: there is not enough memory\n", name);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, one_line(error.what()).c_str());
  }
  return 2;
}
