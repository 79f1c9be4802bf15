// SPDX-License-Identifier: Apache-2.0
#include "core/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmath>
#include <thread>
#include <vector>

#include "core/progress.h"

namespace gantry {
namespace {

// What a log wrote to a file that is no terminal.
class TextFile {
 public:
  TextFile() : file_(std::tmpfile()) {}
  ~TextFile() { std::fclose(file_); }
  std::FILE* get() const { return file_; }
  std::string text() const {
    std::string text(static_cast<size_t>(std::ftell(file_)), '\0');
    std::rewind(file_);
    EXPECT_EQ(std::fread(text.data(), 1, text.size(), file_), text.size());
    return text;
  }

 private:
  std::FILE* file_;
};

// A terminal whose screen the test reads; null where the machine has none to give.
struct Terminal {
  int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  std::FILE* file = nullptr;
  Terminal() {
    if (master < 0 || ::grantpt(master) || ::unlockpt(master)) return;
    file = std::fopen(::ptsname(master), "r+");
  }
  ~Terminal() {
    if (file) std::fclose(file);
    if (master >= 0) ::close(master);
  }
  std::string read() const {
    char bytes[4096];
    const ssize_t count = ::read(master, bytes, sizeof bytes);
    return {bytes, static_cast<size_t>(std::max<ssize_t>(count, 0))};
  }
};

TEST(Log, LevelsAndForm) {
  const TextFile out;
  Log log(out.get());
  log.debug("hidden");
  log.info("step ", 5);
  log.warning("odd\n");
  log.error("bad:\n  table");
  EXPECT_EQ(out.text(), "step 5\nwarning: odd\nerror: bad:\n    table\n");
}

TEST(Log, RankColorAndControlCharacters) {
  const TextFile out;
  Log log(out.get(), {.level = LogLevel::kDebug, .rank = 2, .color = true});
  log.debug("a\x1b[2Jb\rc\x7f");
  log.info("plain");
  EXPECT_EQ(out.text(), "[2] \x1b[2mdebug: \x1b[0ma\\x1b[2Jb\\x0dc\\x7f\n[2] plain\n");
}

TEST(Log, LinesOfManyThreadsStayWhole) {
  const TextFile out;
  Log log(out.get());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 200; ++i) log.info(std::string(50, static_cast<char>('a' + t)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = out.text();
  ASSERT_EQ(text.size(), 4u * 200 * 51);
  for (size_t at = 0; at < text.size(); at += 51) {
    EXPECT_EQ(text.find_first_not_of(text[at], at), at + 50);
  }
}

TEST(Log, LiveLineStaysBelowMessages) {
  const Terminal terminal;
  if (!terminal.file) GTEST_SKIP() << "no pseudo-terminal here";
  ::setenv("TERM", "xterm", 1);
  Log log(terminal.file);
  ASSERT_TRUE(log.is_terminal());
  log.live("running");
  EXPECT_EQ(terminal.read(), "\r\x1b[Krunning");
  log.info("note");
  EXPECT_EQ(terminal.read(), "\r\x1b[Knote\r\nrunning");
  log.live("");
  EXPECT_EQ(terminal.read(), "\r\x1b[K");
  log.live(std::string(200, 'x'));
  EXPECT_EQ(terminal.read(), "\r\x1b[K" + std::string(79, 'x'));
}

TEST(Log, NoLiveLineElsewhere) {
  const TextFile out;
  Log log(out.get());
  log.live("running");
  EXPECT_EQ(out.text(), "");
  EXPECT_FALSE(wants_color(out.get()));
}

TEST(Progress, WritesOneLineEachPeriod) {
  const TextFile out;
  Log log(out.get());
  double now = 100;
  Progress progress(log, {.first = 1000, .total = 2000, .items = 64, .period_s = 10},
                    [&now] { return now; });
  for (uint64_t step = 1001; step <= 1025; ++step) {
    now += 1;
    if (step == 1005) progress.set_values({{"g_loss", 1.25}, {"d_loss", 0.64321}});
    progress.update(step);
  }
  EXPECT_EQ(out.text(),
            "step 1010/2000  g_loss 1.25  d_loss 0.6432  64.0 images/s  16:30 left\n"
            "step 1020/2000  g_loss 1.25  d_loss 0.6432  64.0 images/s  16:20 left\n");
}

TEST(Progress, PausesDoNotCount) {
  const TextFile out;
  Log log(out.get());
  double now = 0;
  Progress progress(log, {.total = 100, .items = 10, .unit = "samples"}, [&now] { return now; });
  now = 2;
  progress.update(4);
  progress.pause();
  now = 50;
  progress.resume();
  EXPECT_EQ(progress.items_per_second(), 20);
  EXPECT_EQ(progress.line(100), "step 100/100  20.0 samples/s");
}

TEST(Progress, DrawsABarOnATerminal) {
  const Terminal terminal;
  if (!terminal.file) GTEST_SKIP() << "no pseudo-terminal here";
  ::setenv("TERM", "xterm", 1);
  Log log(terminal.file);
  double now = 0;
  Progress progress(log, {.total = 40, .items = 512}, [&now] { return now; });
  now = 0.2;
  progress.update(1);
  now = 10;
  progress.update(20);
  EXPECT_EQ(terminal.read(), "\r\x1b[K[==========>         ] 20/40  1024 images/s  0:10 left");
}

TEST(Progress, NanHasNoSign) {
  std::FILE* file = std::tmpfile();
  Log log(file);
  Progress progress(log, {.total = 100}, [] { return 0.0; });
  progress.set_values({{"g.loss", std::copysign(NAN, -1.0)}});
  EXPECT_NE(progress.line(1).find("g.loss nan  "), std::string::npos) << progress.line(1);
  std::fclose(file);
}

TEST(Progress, Durations) {
  EXPECT_EQ(format_duration(0), "0:00");
  EXPECT_EQ(format_duration(29.4), "0:29");
  EXPECT_EQ(format_duration(59.6), "1:00");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_duration(2 * 86400 + 3 * 3600 + 240), "2 d 03:04");
  EXPECT_EQ(format_duration(1e300), "?");
  EXPECT_EQ(format_duration(-1), "?");
}

}  // namespace
}  // namespace gantry
