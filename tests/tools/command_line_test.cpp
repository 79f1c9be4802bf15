// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "tests/core/scratch_folder.h"
#include "tools/commands/command.h"
#include "tools/commands/run_command_line.h"

namespace gantry {
namespace {

const std::string kQuickstart = std::string(GANTRY_SOURCE_DIR) + "/configs/quickstart.json";

struct Outcome {
  int status = 0;
  std::string out, err;
};

Outcome run(std::vector<std::string> arguments) {
  std::vector<const char*> argv = {"gantry"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.status = run_command_line(static_cast<int>(argv.size()), argv.data());
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(CommandLine, HelpNamesEveryCommandAndExitsWithZero) {
  const Outcome help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const Command& command : commands()) {
    EXPECT_TRUE(contains(help.out, command.summary)) << command.name;
    const Outcome own = run({command.name, "--help"});
    EXPECT_EQ(own.status, 0) << command.name;
    EXPECT_TRUE(contains(own.out, command.summary)) << command.name;
  }
}

TEST(CommandLine, UsageErrorsExitWithTwoAndOneLine) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"chek"}, "no command \"chek\", did you mean \"check\"?"},
      {{"frobnicate"}, "no command \"frobnicate\"; commands: "},
      {{"--frobnicate"}, "see gantry --help"},
      {{"check"}, "config is required"},
      {{"check", kQuickstart, "--frobnicate"}, "--frobnicate"},
      {{"check", kQuickstart, "train.steps"}, "override train.steps: write KEY=VALUE"},
      {{"completion", "tcsh"}, "tcsh"},
      {{"check"}, "see gantry check --help"},
      {{"check", kQuickstart, "--print-confg"}, "did you mean \"--print-config\"?"},
      {{"--helb"}, "--helb: there is no such option, did you mean \"--help\"?"},
      {{"data"}, "say which: gantry data \"info\", \"verify\" or \"fetch\""},
      {{"data", "inf"}, "no command \"inf\" of gantry data, did you mean \"info\"?"},
      {{"data", "fetch"}, "mnist, fashion-mnist or cifar10"},
      {{"data", "fetch", "mnits", "--to", "x"}, "fashion-mnist"},
      {{"sample", "run", "--seed", "-1"}, "must be an integer of at least 0, found \"-1\""},
      {{"sample", "run", "--step", "last"}, "must be an integer of at least 0, found \"last\""},
      {{"bench", kQuickstart, "--steps", "0"}, "at least 1 and at most 1000000, found \"0\""},
      {{"eval", ""}, "is empty; give the folder of a run"},
      {{"train", ""}, "is empty; give the path of a config"},
      {{"check", ""}, "is empty; give the path of a config"},
      {{"train", kQuickstart, "--out", ""}, "leave --out away"},
      {{"resume", ""}, "is empty; give the folder of a run"},
      {{"sample", ""}, "is empty; give the folder of a run"},
      {{"data", "info", ""}, "is empty; give the path of a data set"},
  };
  for (const auto& [arguments, part] : cases) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_EQ(outcome.err.rfind("gantry: error: ", 0), 0u) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  EXPECT_EQ(run({}).status, 2);
}

TEST(CommandLine, HelpIsACommandToo) {
  EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
  EXPECT_EQ(run({"help", "train"}).out, run({"train", "--help"}).out);
  EXPECT_EQ(run({"help", "train"}).status, 0);
}

TEST(CommandLine, HelpShowsDefaults) {
  for (const auto& [command, shown] :
       {std::pair{"bench", "=20"}, {"bench", "=3"}, {"trace", "=2"}, {"sample", "=auto"}}) {
    EXPECT_TRUE(contains(run({command, "--help"}).out, shown)) << command << ' ' << shown;
  }
  EXPECT_TRUE(contains(run({"data", "fetch", "--help"}).out, "{mnist,fashion-mnist,cifar10}"));
}

TEST(CommandLine, CheckAcceptsQuickstart) {
  const Outcome outcome = run({"check", kQuickstart, "train.batch=32"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, " -> 1x1x28x28, D 1x1x28x28 -> 1x1x1x1")) << outcome.out;
}

TEST(CommandLine, EveryMistakeHasALine) {
  const Outcome outcome = run({"check", kQuickstart, "train.bacth=32", "optimizer.g.lr=fast"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_TRUE(contains(outcome.err, "gantry: error: override train.bacth=32: /train/bacth: "));
  EXPECT_TRUE(
      contains(outcome.err, "gantry: error: override optimizer.g.lr=fast: /optimizer/g/lr"));
}

TEST(CommandLine, ShapesThatDoNotFitAreRefused) {
  const Outcome outcome = run({"check", kQuickstart, "generator.layers.1.shape=[128,7,8]"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_TRUE(contains(outcome.err, kQuickstart)) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "/generator/layers/1")) << outcome.err;
}

TEST(CommandLine, FilesThatAreNoConfigAreRefused) {
  const testing::ScratchFolder folder;
  const std::pair<const char*, std::string> cases[] = {
      {"empty", ""},
      {"text", "learn digits"},
      {"list", "[1, 2]"},
      {"number", "1"},
      {"cut", "{\"name\": "},
      {"duplicate", R"({"name": "a", "name": "b"})"},
      {"deep", std::string(100000, '[')},
      {"deep_objects",
       [] {
         std::string text;
         for (int i = 0; i < 100000; ++i) text += "{\"generator\":";
         return text;
       }()},
      {"utf16", std::string("\xff\xfe{\0}\0", 6)},
      {"binary", std::string("\x7f"
                             "ELF\0\1\2",
                             7)},
      {"nothing_in_it", "{}"},
  };
  for (const auto& [name, text] : cases) {
    const std::string path = (folder.path() / name).string();
    std::ofstream(path, std::ios::binary) << text;
    const Outcome outcome = run({"check", path});
    EXPECT_EQ(outcome.status, 2) << name;
    EXPECT_EQ(outcome.err.rfind("gantry: error: " + path, 0), 0u) << name << ": " << outcome.err;
    EXPECT_LT(outcome.err.size(), 2000u) << name;
  }
  EXPECT_EQ(run({"check", folder.path().string()}).status, 2);
  EXPECT_EQ(run({"check", "/dev/null"}).status, 2);
}

TEST(CommandLine, PrintedConfigIsAConfig) {
  const testing::ScratchFolder folder;
  const Outcome first = run({"check", kQuickstart, "--print-config"});
  EXPECT_TRUE(contains(first.err, "/train/d_steps"));
  const std::string path = (folder.path() / "resolved.json").string();
  std::ofstream(path) << first.out;
  const Outcome second = run({"check", path, "--print-config"});
  EXPECT_EQ(second.status, 0);
  EXPECT_EQ(second.out, first.out);
}

TEST(CommandLine, CompletionScriptsNameEveryCommand) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Outcome outcome = run({"completion", shell});
    EXPECT_EQ(outcome.status, 0);
    for (const Command& command : commands()) {
      EXPECT_TRUE(contains(outcome.out, command.name)) << shell << ' ' << command.name;
    }
    EXPECT_TRUE(contains(outcome.out, "print-config")) << shell;
  }
}

TEST(CommandLine, DoctorFindsAnUnwritableDirectory) {
  const Outcome outcome = run({"doctor", "/nonexistent"});
  EXPECT_EQ(outcome.status, static_cast<int>(ExitCode::kIo));
  EXPECT_TRUE(contains(outcome.out, "BAD writable")) << outcome.out;
  const testing::ScratchFolder folder;
  EXPECT_EQ(run({"doctor", folder.path().string()}).status, 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(CommandLine, FailuresBecomeExitStatuses) {
  const std::pair<Action, int> cases[] = {
      {[]() -> int { throw ConfigError("x"); }, 2},
      {[]() -> int { throw DataError("x"); }, 3},
      {[]() -> int { throw CheckpointError("x"); }, 4},
      {[]() -> int { throw EnvironmentError("x"); }, 5},
      {[]() -> int { throw NumericError("x"); }, 10},
      {[]() -> int { throw CodedError<ExitCode::kPeer>("x"); }, 11},
      {[]() -> int { throw MemoryError("x"); }, 12},
      {[]() -> int { throw std::bad_alloc(); }, 12},
      {[]() -> int { throw IoError("x"); }, 13},
      {[]() -> int { throw std::filesystem::filesystem_error("x", std::error_code()); }, 13},
  };
  for (const auto& [action, status] : cases) EXPECT_EQ(run_guarded(action), status);
  EXPECT_EQ(run_guarded([]() -> int { throw std::logic_error("x"); }), 70);
  EXPECT_EQ(run_guarded([] { return 75; }), 75);
}

}  // namespace
}  // namespace gantry
