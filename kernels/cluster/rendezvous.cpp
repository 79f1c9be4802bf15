// SPDX-License-Identifier: Apache-2.0
#include "kernels/cluster/rendezvous.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "core/error.h"
#include "kernels/cluster/handshake.h"
#include "kernels/cluster/reception.h"

namespace gantry {
namespace {

constexpr double kReplySeconds = 10;  // seconds for what listens to answer
constexpr double kGrace = 5;          // beyond rank 0's deadline
constexpr int kMostRanks = 4096;

std::string own_host() {
  char name[256] = "?";
  ::gethostname(name, sizeof(name) - 1);
  return std::string(name).substr(0, kMostHostCharacters);
}

// One connection to each other rank, and what a training has open beside them.
void require_files(int ranks) {
  constexpr rlim_t kBeside = 256;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t needed = static_cast<rlim_t>(ranks) + kBeside;
  if (limit.rlim_cur >= needed) return;
  limit.rlim_cur = needed;
  if (needed <= limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  throw EnvironmentError(concat(ranks, " ranks need ", needed, " open files in each process, and ",
                                limit.rlim_max, " are allowed: raise `ulimit -n`"));
}

Hello own_hello(const World& world) {
  Hello hello;
  hello.size = static_cast<uint32_t>(world.size);
  hello.rank = static_cast<uint32_t>(world.rank);
  hello.job = world.job;
  hello.host = own_host();
  return decode_hello(encode(hello));  // as others will read it
}

// A rank above 0.
class Newcomer {
 public:
  Newcomer(const World& world, Hello own)
      : world_(world), own_(std::move(own)), place_(place_text(world.host, world.port)) {}

  std::vector<Peer> join(const Deadline& deadline) {
    const std::string where = is_loopback(world_.host) ? world_.host : "";
    Socket listener = listen_at(where, 0);
    // Not where rank 0 may still be about to listen, on this very host.
    while (listener.local_port() == world_.port) listener = listen_at(where, 0);
    own_.port = static_cast<uint32_t>(listener.local_port());
    Socket first = connect(deadline);
    wait_for_all(first);
    std::vector<RosterEntry> roster;
    for (int rank = 0; rank < world_.size; ++rank) {
      std::array<uint8_t, RosterEntry::kBytes> bytes{};
      if (receive_all(first, bytes, Deadline(kReplySeconds)) != Transfer::kDone) lost();
      roster.push_back(decode_entry(bytes));
    }
    const Deadline connected(world_.join_timeout);
    std::vector<Peer> peers(roster.size());
    const std::string of_first = first.peer_host();
    peers[0] = {std::move(first), concat("rank 0 on ", roster[0].host, " (", place_, ')')};
    for (size_t rank = 1; rank < own_.rank; ++rank) {
      peers[rank] = call(rank, roster[rank], of_first, connected);
    }
    await(peers, listener, connected);
    return peers;
  }

 private:
  // To rank 0, and has been welcomed.
  Socket connect(const Deadline& deadline) {
    while (true) {
      Socket socket = reach(world_.host, world_.port, "rank 0", deadline);
      if (send_all(socket, encode(own_), Deadline(kReplySeconds)) == Transfer::kDone &&
          hear(socket, Deadline(std::clamp(deadline.seconds_left(), 1.0, kReplySeconds)))) {
        return socket;
      }
      if (deadline.over()) {
        throw EnvironmentError(concat("rank ", own_.rank, " on ", own_.host, ": what listens at ",
                                      place_,
                                      " closes connections without a word; it may be no gantry: "
                                      "choose another port for all ranks"));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
  }

  // Rank 0 knows best who is missing, and has come before this one was welcomed.
  void wait_for_all(const Socket& first) const {
    const Deadline deadline(world_.join_timeout + kGrace);
    if (!wait_for(first, POLLIN, deadline)) {
      throw EnvironmentError(concat("rank ", own_.rank, " on ", own_.host, ": rank 0 at ", place_,
                                    " has not said within ", world_.join_timeout + kGrace,
                                    " s that all ranks have met"));
    }
    if (!hear(first, Deadline(kReplySeconds))) lost();
  }

  Socket reach(const std::string& host, int port, const std::string& whom,
               const Deadline& deadline) const {
    try {
      return connect_to(host, port, deadline);
    } catch (const EnvironmentError& error) {
      throw EnvironmentError(concat("rank ", own_.rank, " on ", own_.host, " could not reach ",
                                    whom, " at ", place_text(host, port), " within ",
                                    world_.join_timeout, " s: ", error.what(),
                                    "; is it started there, is the address right, and does a "
                                    "firewall let ranks connect to each other?"));
    }
  }

  // Whether rank 0 welcomes; throws what it says otherwise. False: closed without a word.
  bool hear(const Socket& socket, const Deadline& deadline) const {
    std::array<uint8_t, Answer::kBytes> bytes{};
    const auto opening = std::span<uint8_t>(bytes).first(kOpeningBytes);
    const Transfer outcome = receive_all(socket, opening, deadline);
    uint32_t version = 0;
    const bool nothing = bytes[0] == 0;
    if (outcome == Transfer::kLost && nothing) return false;
    if (outcome != Transfer::kDone || !is_opening(opening, version)) {
      throw EnvironmentError(
          concat("rank ", own_.rank, " on ", own_.host, ": what listens at ", place_,
                 nothing ? " does not answer"
                         : concat(" is no gantry: it sent \"", printable(opening), '"'),
                 "; choose another port for all ranks"));
    }
    if (version != kProtocolVersion) {
      throw EnvironmentError(concat("rank 0 at ", place_, " speaks version ", version,
                                    " of the protocol, rank ", own_.rank, " on ", own_.host,
                                    " version ", kProtocolVersion,
                                    ": install the same gantry everywhere"));
    }
    if (receive_all(socket, std::span(bytes).subspan(kOpeningBytes), Deadline(kReplySeconds)) !=
        Transfer::kDone) {
      lost();
    }
    const Answer answer = decode_answer(bytes);
    if (!answer.welcome) throw EnvironmentError(answer.text);
    return true;
  }

  // A rank below this one. What rank 0 sees at a loopback address is on rank 0's host.
  Peer call(size_t rank, const RosterEntry& entry, const std::string& of_first,
            const Deadline& deadline) const {
    const std::string& host = is_loopback(entry.address) ? of_first : entry.address;
    const std::string label = concat("rank ", rank, " on ", entry.host, " (",
                                     place_text(host, static_cast<int>(entry.port)), ')');
    Socket socket = reach(host, static_cast<int>(entry.port),
                          concat("rank ", rank, " on ", entry.host), deadline);
    send_all(socket, encode(own_), deadline);
    return {std::move(socket), label};
  }

  // Those above this one; what is none of them is closed.
  void await(std::vector<Peer>& peers, const Socket& listener, const Deadline& deadline) const {
    size_t missing = peers.size() - own_.rank - 1;
    while (missing > 0 && wait_for(listener, POLLIN, deadline)) {
      Socket socket = accept_from(listener);
      std::array<uint8_t, Hello::kBytes> bytes{};
      uint32_t version = 0;
      if (!socket.open() ||
          receive_all(socket, bytes, Deadline(kReplySeconds)) != Transfer::kDone ||
          !is_opening(bytes, version) || version != kProtocolVersion) {
        continue;
      }
      const Hello hello = decode_hello(bytes);
      if (hello.job != own_.job || hello.size != own_.size || hello.rank <= own_.rank ||
          hello.rank >= own_.size || peers[hello.rank].socket.open()) {
        continue;
      }
      const std::string label =
          concat("rank ", hello.rank, " on ", hello.host, " (", socket.peer(), ')');
      peers[hello.rank] = {std::move(socket), label};
      --missing;
    }
    if (missing == 0) return;
    throw EnvironmentError(concat(
        "rank ", own_.rank, " on ", own_.host, " listens at port ", own_.port, ", but ", missing,
        " ranks above it did not connect "
        "within ",
        world_.join_timeout, " s; a firewall must let ranks connect to each other"));
  }

  [[noreturn]] void lost() const {
    throw EnvironmentError(concat("rank ", own_.rank, " on ", own_.host, ": rank 0 at ", place_,
                                  " was lost before all ranks had met; see what it says"));
  }

  const World& world_;
  Hello own_;
  std::string place_;
};

void require_place(const World& world) {
  if (world.size > kMostRanks) {
    throw EnvironmentError(concat(world.size, " ranks: sockets join at most ", kMostRanks));
  }
  if (world.job.size() > kMostJobCharacters) {
    throw EnvironmentError(concat("the job id has ", world.job.size(), " characters, ",
                                  kMostJobCharacters, " is the most; say --job-id"));
  }
  if (!world.host.empty() && world.port != 0) return;
  throw EnvironmentError(concat(world.launcher, " started ", world.size,
                                " ranks, but does not say where they meet: set MASTER_ADDR and "
                                "MASTER_PORT, or say --rendezvous HOST:PORT with rank 0's host"));
}

}  // namespace

std::vector<Peer> meet(const World& world) {
  require_place(world);
  require_files(world.size);
  const Deadline deadline(world.join_timeout);
  Hello own = own_hello(world);
  if (world.rank == 0) return Reception(world, std::move(own)).receive(deadline);
  return Newcomer(world, std::move(own)).join(deadline);
}

}  // namespace gantry
