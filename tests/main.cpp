// SPDX-License-Identifier: MIT
// The one main of every test executable. Two reporters stand beside doctest's own: one writes the
// list of test cases for ctest, one refuses a run whose filter selects nothing.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <fstream>
#include <iostream>
#include <string>

namespace {

/// Everything a listener may hear and most do not care about.
struct Quiet : doctest::IReporter {
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

/// --list-test-cases --reporters=ctest: one add_test() per test case, in CMake's language.
/// A test suite's name becomes a label.
struct CtestList : Quiet {
  const doctest::ContextOptions& options;
  explicit CtestList(const doctest::ContextOptions& in) : options(in) {}

  static std::string bracket(const std::string& text) { return " [==[" + text + "]==]"; }

  void report_query(const doctest::QueryData& query) override {
    std::ostream& out = *options.cout;
    for (unsigned i = 0; i < query.num_data; ++i) {
      const std::string name = query.data[i]->m_name;
      const std::string suite = query.data[i]->m_test_suite;
      std::string filter;  // commas separate filters
      for (const char c : name)
        filter += c == ',' || c == '\\' ? std::string{'\\', c} : std::string{c};
      out << "optiform_add_case(" << bracket(name) << bracket(suite)
          << bracket(options.binary_name.c_str()) << bracket("--test-case=" + filter) << ")\n";
    }
  }
};

/// What happened, for the exit status.
unsigned selected = 0;
bool skipped = false;

struct Watch : Quiet {
  explicit Watch(const doctest::ContextOptions&) {}
  void test_run_end(const doctest::TestRunStats& stats) override {
    selected = stats.numTestCasesPassingFilters;
  }
  /// MESSAGE("skipped: no device") is how a test case says that it cannot run here.
  void log_message(const doctest::MessageData& message) override {
    if (std::string(message.m_string.c_str()).starts_with("skipped: ")) skipped = true;
  }
};

DOCTEST_REGISTER_REPORTER("ctest", 1, CtestList);
DOCTEST_REGISTER_LISTENER("watch", 1, Watch);

constexpr int exit_skipped = 77;  // ctest's SKIP_RETURN_CODE

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int failed = context.run();
  if (failed != 0 || context.shouldExit()) return failed;
  if (selected == 0) {
    std::cerr << "no test case has this name\n";
    return 1;
  }
  return selected == 1 && skipped ? exit_skipped : 0;
}
