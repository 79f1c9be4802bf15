// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/ranks.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <thread>

#include "kernels/ranks.h"
#include "tools/commands/run_command_line.h"
#include "train/collective_dump.h"
#include "train/run_lock.h"

namespace gantry {
namespace {

// Who gives up ends the others. Ranks that were waiting find out whom they miss and leave behind
// what they did; rank 0 has the log and the run directory, and may write last why the run has
// ended.
constexpr auto kGrace = std::chrono::seconds(2), kGraceOfRankZero = std::chrono::seconds(4);

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

std::string dump(const Communicator& ranks, const std::filesystem::path& run,
                 const std::string& cause) {
  try {
    return concat("; what it did last: ", write_collective_dump(run, ranks, cause).string());
  } catch (const Error& error) {
    return concat("; what it did last could not be written: ", error.what());
  }
}

[[noreturn]] void give_up(Communicator& ranks, const std::filesystem::path& run, ExitCode code,
                          const std::string& message) {
  report_error(who(ranks) + message + dump(ranks, run, message));
  note_ending(static_cast<int>(code));
  std::this_thread::sleep_for(ranks.rank() == 0 ? kGrace : kGraceOfRankZero);
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

void declare_rank_options(CLI::App& app, WorldFlags& flags) {
  const auto declare = [&](const char* name, auto& value, const char* type, const char* what) {
    return app.add_option(name, value, what)
        ->type_name(type)
        ->group("Several ranks, over what their launcher says (docs/cluster.md)");
  };
  declare("--rank", flags.rank, "R", "Which of the ranks this process is, from 0.");
  declare("--world-size", flags.size, "N", "How many ranks there are.");
  declare("--local-rank", flags.local_rank, "L", "Which of the ranks of this host, from 0.");
  declare("--rendezvous", flags.rendezvous, "HOST:PORT",
          "Where the ranks meet, without MPI; rank 0 listens there.");
  declare("--job-id", flags.job, "ID", "Ranks of another are turned away where these meet.");
  declare("--join-timeout", flags.join_timeout, "SECONDS",
          "How long to wait until all have met (default: 300).")
      ->check(CLI::Range(1.0, 86400.0).description(""));
}

std::unique_ptr<Communicator> join_ranks(const WorldFlags& flags) {
  return open_communicator(find_world(process_environment(), flags));
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

std::string text_of_rank(Communicator& ranks, int rank, const std::string& text) {
  auto length = static_cast<int64_t>(text.size());
  ranks.broadcast(&length, sizeof(length), rank);
  std::string shared = text;
  shared.resize(static_cast<size_t>(length));
  if (length > 0) ranks.broadcast(shared.data(), shared.size(), rank);
  return shared;
}

void require_one_config(Communicator& ranks, const std::string& resolved) {
  const std::string of_first = text_of_rank(ranks, 0, resolved);
  do_together(ranks, [&] {
    if (resolved == of_first) return;
    std::istringstream here(resolved), there(of_first);
    std::string mine, its;
    do {
      mine = its = "nothing";
      std::getline(here >> std::ws, mine);
      std::getline(there >> std::ws, its);
    } while (mine == its && here);
    throw ConfigError(concat("its config has ", mine, " where rank 0's has ", its,
                             "; give all ranks the same file and overrides"));
  });
}

int run_in_step(Communicator& ranks, const std::filesystem::path& run,
                const std::function<int()>& work) {
  if (ranks.size() == 1) return work();
  try {
    return work();
  } catch (const NumericError& error) {
    // All ranks find it after the same step.
    throw NumericError(who(ranks) + error.what());
  } catch (const Error& error) {
    give_up(ranks, run, error.code(), error.what());
  } catch (const std::exception& error) {
    give_up(ranks, run, ExitCode::kPeer, error.what());
  }
}

}  // namespace gantry
