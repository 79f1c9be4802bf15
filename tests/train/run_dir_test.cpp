// SPDX-License-Identifier: Apache-2.0
#include "train/run_dir.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "core/atomic_file.h"
#include "tests/core/scratch_folder.h"
#include "train/run_lock.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;
using testing::message_of;
using testing::ScratchFolder;

class RunDirTest : public ::testing::Test {
 protected:
  ~RunDirTest() override { std::fclose(log_file_); }
  std::string log_text() const {
    std::string text(static_cast<size_t>(std::ftell(log_file_)), '\0');
    std::rewind(log_file_);
    EXPECT_EQ(std::fread(text.data(), 1, text.size(), log_file_), text.size());
    return text;
  }
  RunDir finished_run(const fs::path& dir) {
    RunDir run = RunDir::create(dir, log_);
    run.write_config("{}\n");
    return run;
  }

  ScratchFolder scratch_;
  std::FILE* log_file_ = std::tmpfile();
  Log log_{log_file_};
};

TEST_F(RunDirTest, CreateGivesEveryPart) {
  RunDir run = finished_run(scratch_ / "a b/r\xc3\xbcn");
  EXPECT_TRUE(fs::is_directory(run.samples()));
  EXPECT_TRUE(fs::is_directory(run.checkpoints()));
  EXPECT_TRUE(fs::is_directory(run.events()));
  EXPECT_EQ(run.grid(500).filename(), "step-00000500.png");
  run.write_environment("{\"threads\":2}\n");
  EXPECT_EQ(read_file(run.environment()), "{\"threads\":2}\n");
  EXPECT_NO_THROW(run.require_space(1000));
  const std::string message = message_of<IoError>([&] { run.require_space(uint64_t{1} << 60); });
  EXPECT_NE(message.find("needs about 1099511627776 MiB"), std::string::npos) << message;
}

TEST_F(RunDirTest, NumbersCountUp) {
  const fs::path runs = scratch_ / "runs";
  EXPECT_EQ(RunDir::create_numbered(runs, "quickstart", log_).path().filename(), "0001-quickstart");
  fs::create_directories(runs / "0041-other");
  fs::create_directories(runs / "99999999999-odd");
  fs::create_directories(runs / "notes");
  EXPECT_EQ(RunDir::create_numbered(runs, "a/b ..", log_).path().filename(), "0042-a-b-..");
}

TEST_F(RunDirTest, LettersOfAnyScriptStayInTheName) {
  const fs::path runs = scratch_ / "runs";
  const auto name_of = [&](const std::string& name) {
    const std::string made =
        RunDir::create_numbered(runs, name, log_).path().filename().string().substr(5);
    fs::remove_all(runs);
    return made;
  };
  const std::string letters = "m\xc3\xbcll-\xe6\xbc\xa2\xe5\xad\x97_\xd0\xb6.\xf0\x90\x8d\x88";
  EXPECT_EQ(name_of(letters), letters);
  EXPECT_EQ(name_of("a/b c\\d\te$f"), "a-b-c-d-e-f");
  EXPECT_EQ(name_of("a\xe2\x80\xae z\xc2\x85"), "a--z-") << "right-to-left override, C1 control";
  EXPECT_EQ(name_of("a\xc3"), "a-") << "cut short";
  EXPECT_EQ(name_of("\xc0\xafx\xed\xa0\x80"), "--x---") << "overlong slash, surrogate";
  EXPECT_EQ(name_of(""), "run");
  std::string longest;
  for (int i = 0; i < 60; ++i) longest += "\xe6\xbc\xa2";
  EXPECT_EQ(name_of(longest), longest.substr(0, 99)) << "cut between characters";
}

TEST_F(RunDirTest, OtherFoldersAreRefused) {
  fs::create_directory(scratch_ / "full");
  std::ofstream(scratch_ / "full/thesis.tex") << "x";
  std::ofstream(scratch_ / "file") << "x";
  { const RunDir run = finished_run(scratch_ / "run"); }
  struct Case {
    const char* dir;
    const char* reason;
  };
  for (const Case& c : {Case{"full", "holds \"thesis.tex\""}, Case{"file", "is a file"},
                        Case{"run", "gantry resume"}}) {
    const std::string message =
        message_of<ConfigError>([&] { RunDir::create(scratch_ / c.dir, log_); });
    EXPECT_NE(message.find(c.reason), std::string::npos) << message;
  }
  EXPECT_FALSE(fs::exists(scratch_ / "full/run.lock"));
  message_of<IoError>([&] { RunDir::create(scratch_ / "file/inside", log_); });
  EXPECT_NO_THROW(RunDir::create(scratch_ / "begun", log_));
  EXPECT_NO_THROW(RunDir::create(scratch_ / "begun", log_)) << "a run that died before its config";
}

TEST_F(RunDirTest, OpenWantsARun) {
  std::ofstream(scratch_ / "file") << "x";
  fs::create_directory(scratch_ / "empty");
  for (const char* dir : {"file", "empty", "missing"}) {
    message_of<CheckpointError>([&] { RunDir::open(scratch_ / dir, log_); });
    message_of<CheckpointError>([&] { RunDir::view(scratch_ / dir); });
  }
}

TEST_F(RunDirTest, TwoJobsCannotShareOne) {
  const fs::path dir = scratch_ / "run";
  {
    const RunDir run = finished_run(dir);
    const std::string message = message_of<ConfigError>([&] { RunDir::open(dir, log_); });
    EXPECT_NE(message.find(concat("process ", ::getpid(), " on ", host_name())), std::string::npos)
        << message;
    EXPECT_NO_THROW(RunDir::view(dir)) << "looking is free";
  }
  EXPECT_FALSE(fs::exists(dir / "run.lock"));
  EXPECT_NO_THROW(RunDir::open(dir, log_));
}

TEST_F(RunDirTest, LockOfAKilledProcessIsTakenOver) {
  const fs::path dir = scratch_ / "run";
  { const RunDir run = finished_run(dir); }
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const RunDir run = RunDir::open(dir, log_);
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const std::string message = message_of<ConfigError>([&] { RunDir::open(dir, log_); });
  EXPECT_NE(message.find(concat("process ", child)), std::string::npos) << message;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(RunDir::open(dir, log_));
  EXPECT_NE(log_text().find(concat("from process ", child)), std::string::npos);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(RunDirTest, LockOfAnotherHostAges) {
  const fs::path dir = scratch_ / "run", lock = dir / "run.lock";
  { const RunDir run = finished_run(dir); }
  std::ofstream(lock) << "{\"host\":\"node17.example\",\"process\":1}\n";
  const std::string message = message_of<ConfigError>([&] { RunDir::open(dir, log_); });
  EXPECT_NE(message.find("process 1 on node17.example"), std::string::npos) << message;
  EXPECT_NE(message.find("remove " + lock.string()), std::string::npos) << message;
  EXPECT_TRUE(fs::exists(lock)) << "a refused job leaves the lock of the other alone";
  const timespec old[2] = {{::time(nullptr) - RunLock::kStaleSeconds - 5, 0},
                           {::time(nullptr) - RunLock::kStaleSeconds - 5, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, lock.c_str(), old, 0), 0);
  EXPECT_NO_THROW(RunDir::open(dir, log_));
}

TEST_F(RunDirTest, DamagedLockIsNoObstacle) {
  const fs::path dir = scratch_ / "run";
  { const RunDir run = finished_run(dir); }
  for (const char* text : {"", "{", "[]", "{\"host\":3}", "{\"host\":\"a\",\"process\":\"b\"}"}) {
    std::ofstream(dir / "run.lock") << text;
    EXPECT_NO_THROW(RunDir::open(dir, log_)) << text;
  }
}

TEST_F(RunDirTest, OpenSweepsTemporaries) {
  const fs::path dir = scratch_ / "run";
  { const RunDir run = finished_run(dir); }
  for (const char* place : {"config.json", "samples/step-00000100.png", "checkpoints/step-1"}) {
    std::ofstream(temporary_beside(dir / place)) << "half";
  }
  const RunDir run = RunDir::open(dir, log_);
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    EXPECT_FALSE(entry.path().string().ends_with(".tmp")) << entry.path();
  }
}

TEST_F(RunDirTest, StatusRoundTrip) {
  RunDir run = finished_run(scratch_ / "run");
  run.write_status({RunState::kFailed, 120, 2000, 10, "d.loss is nan\nat step 120 \xff"});
  const RunStatus status = run.read_status();
  EXPECT_EQ(status.state, RunState::kFailed);
  EXPECT_EQ(status.step, 120u);
  EXPECT_EQ(status.steps, 2000u);
  EXPECT_EQ(status.exit_code, 10);
  EXPECT_EQ(status.message, "d.loss is nan\nat step 120 \xef\xbf\xbd");
  for (const char* text : {"", "{}", "[]", "{\"state\":\"asleep\"}"}) {
    std::ofstream(run.status()) << text;
    message_of<CheckpointError>([&] { run.read_status(); });
  }
}

TEST_F(RunDirTest, GridsByStep) {
  RunDir run = finished_run(scratch_ / "run");
  for (const uint64_t step : {200u, 0u, 1000u, 123456789u, 400u}) {
    std::ofstream(run.grid(step)) << "x";
  }
  std::ofstream(run.samples() / "step-1.png") << "x";
  std::ofstream(run.samples() / "other.png") << "x";
  std::vector<std::string> found;
  for (const fs::path& path : run.grids()) found.push_back(path.filename().string());
  EXPECT_EQ(found,
            (std::vector<std::string>{"step-00000000.png", "step-00000200.png", "step-00000400.png",
                                      "step-00001000.png", "step-123456789.png"}));
  run.discard_after(400);
  EXPECT_EQ(run.grids().size(), 3u);
  EXPECT_TRUE(fs::exists(run.samples() / "other.png"));
}

}  // namespace
}  // namespace gantry
