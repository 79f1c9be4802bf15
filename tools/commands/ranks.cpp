// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/ranks.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "kernels/ranks.h"
#include "tools/commands/run_command_line.h"
#include "train/run_lock.h"

namespace gantry {
namespace {

// Rank 0 has the log and the run directory: it may write first why the run has ended.
constexpr auto kGraceOfRankZero = std::chrono::seconds(3);

struct Failure {
  int64_t code = 0;  // 0: none
  int64_t length = 0;
};

std::string who(const Communicator& ranks) {
  return concat("rank ", ranks.rank(), " on ", host_name(), ": ");
}

// What `rank` has to say, on every rank.
std::optional<Error> hear(Communicator& ranks, int rank, const std::optional<Error>& own) {
  std::string message;
  Failure failure;
  if (ranks.rank() == rank && own) {
    message = rank == 0 ? own->what() : who(ranks) + own->what();
    failure = {static_cast<int64_t>(own->code()), static_cast<int64_t>(message.size())};
  }
  ranks.broadcast(&failure, sizeof(failure), rank);
  message.resize(static_cast<size_t>(failure.length));
  if (failure.length > 0) ranks.broadcast(message.data(), message.size(), rank);
  if (failure.code == 0) return std::nullopt;
  return Error(static_cast<ExitCode>(failure.code), message);
}

[[noreturn]] void give_up(Communicator& ranks, ExitCode code, const std::string& message) {
  report_error(who(ranks) + message);
  note_ending(static_cast<int>(code));
  if (ranks.rank() != 0) std::this_thread::sleep_for(kGraceOfRankZero);
  ranks.abort(code, message);
  std::exit(static_cast<int>(code));
}

}  // namespace

void note_ending(int status) {
  const char* path = std::getenv(kEndingsVariable);
  if (path == nullptr) return;
  const int file = ::open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  const std::string line = concat(status, "\n");
  if (file < 0 || ::write(file, line.data(), line.size()) < 0) return;  // launch takes it for lost
  ::close(file);
}

std::unique_ptr<Communicator> join_ranks() {
  return open_communicator(find_world(process_environment()));
}

Log::Options log_options(const Communicator& ranks) {
  if (ranks.rank() == 0) return {};
  return {.level = LogLevel::kWarning, .rank = ranks.rank()};
}

void do_together(Communicator& ranks, const std::function<void()>& work) {
  if (ranks.size() == 1) return work();
  std::optional<Error> own, first;
  try {
    work();
  } catch (const Error& error) {
    own = error;
  }
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const std::optional<Error> heard = hear(ranks, rank, own);
    if (heard && !first) first = heard;
  }
  if (first) throw Error(first->code(), ranks.rank() == 0 ? first->what() : "");
}

int run_in_step(Communicator& ranks, const std::function<int()>& work) {
  if (ranks.size() == 1) return work();
  try {
    return work();
  } catch (const NumericError& error) {
    // All ranks find it after the same step.
    throw NumericError(who(ranks) + error.what());
  } catch (const Error& error) {
    give_up(ranks, error.code(), error.what());
  } catch (const std::exception& error) {
    give_up(ranks, ExitCode::kPeer, error.what());
  }
}

}  // namespace gantry
