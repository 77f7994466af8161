// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <unistd.h>

#include <optiform/training/log_reader.hpp>

using namespace optiform;

namespace {

std::string with_header(const std::string& rows) { return CsvLog::header + rows; }

}  // namespace

TEST_CASE("read_log: gives back what CsvLog wrote") {
  const auto path = std::filesystem::temp_directory_path() / message("optiform_log_", ::getpid());
  const LogRow first{.training_loss = NAN, .validation_loss = 4.25, .seconds = 0.5};
  const LogRow second{.step = 1,
                      .tokens = 64,
                      .training_loss = 4,
                      .validation_loss = NAN,
                      .learning_rate = 1e-3,
                      .gradient_norm = 2,
                      .tokens_per_second = 1000,
                      .seconds = 1};
  {
    CsvLog log(path, -1);
    log.append(first);
    log.append(second);
  }
  const auto rows = read_log(path);
  std::filesystem::remove(path);
  REQUIRE(rows.size() == 2);
  CHECK(std::isnan(rows[0].training_loss));
  CHECK(rows[0].validation_loss == 4.25);
  CHECK(rows[0].seconds == 0.5);
  CHECK(rows[1].step == 1);
  CHECK(rows[1].tokens == 64);
  CHECK(rows[1].learning_rate == 1e-3);
  CHECK(rows[1].gradient_norm == 2);
  CHECK(rows[1].tokens_per_second == 1000);
  CHECK(std::isnan(rows[1].validation_loss));
}

TEST_CASE("read_log: a line that a kill cut off is no row") {
  CHECK(parse_log("", "it").empty());
  CHECK(parse_log(CsvLog::header, "it").empty());
  CHECK(parse_log(with_header("0,0,1,1,1,1,1,1\n1,0,1,1"), "it").size() == 1);
}

TEST_CASE("read_log: damage is named with its line") {
  const auto refused = [](const std::string& text, const char* sentence) {
    CHECK_THROWS_WITH_AS(parse_log(text, "'log.csv'"), sentence, Error);
  };
  refused("step,loss\n0,1\n",
          "cannot use the log 'log.csv', line 1: it does not begin as a log does");
  refused(with_header("0,0,1\n"), "cannot use the log 'log.csv', line 2: expected 8 cells");
  refused(with_header("0,0,1,1,1,1,1,1,1\n"),
          "cannot use the log 'log.csv', line 2: expected 8 cells");
  refused(with_header("\n"), "cannot use the log 'log.csv', line 2: expected 8 cells");
  refused(with_header("0,0,1,1,1,1,1,x\n"),
          "cannot use the log 'log.csv', line 2: cell 8 is 'x', expected a number");
  refused(with_header("0,0,1 ,1,1,1,1,1\n"),
          "cannot use the log 'log.csv', line 2: cell 3 is '1 ', expected a number");
  refused(with_header("0.5,0,1,1,1,1,1,1\n"),
          "cannot use the log 'log.csv', line 2: steps and tokens are 0.5 and 0, expected whole "
          "numbers");
  refused(with_header("1,1,,,,,,\n1,2,,,,,,\n"),
          "cannot use the log 'log.csv', line 3: step 1 follows step 1");
  CHECK_THROWS_WITH_AS(read_log("/nonexistent/log.csv"),
                       "cannot open '/nonexistent/log.csv': No such file or directory", Error);
}
