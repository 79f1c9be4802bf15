// SPDX-License-Identifier: Apache-2.0
#include "kernels/cluster/reception.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "core/error.h"

namespace gantry {
namespace {

constexpr double kHelloSeconds = 10;    // seconds for a connection to say who it is
constexpr double kAnswerTime = 5;       // to take an answer
constexpr size_t kMostStrangers = 256;  // at once, beside the ranks

}  // namespace

Reception::Reception(const World& world, Hello own)
    : world_(world),
      own_(std::move(own)),
      listener_(listen_at(world.host, world.port)),
      peers_(static_cast<size_t>(world.size)),
      roster_(static_cast<size_t>(world.size)) {
  roster_[0].host = own_.host;
}

std::vector<Peer> Reception::receive(const Deadline& deadline) {
  while (joined() + 1 < peers_.size()) {
    if (deadline.over()) {
      end(concat(missing(), " never joined rank 0 on ", own_.host, " at ",
                 place_text(world_.host, world_.port), " within ", world_.join_timeout, " s (",
                 joined() + 1, " of ", peers_.size(), " are here)", note_.empty() ? "" : "; ",
                 note_));
    }
    poll_all(deadline);
    admit();
    for (size_t i = 0; i < guests_.size();) {
      const bool leaves = hear(guests_[i]) || guests_[i].deadline.over();
      if (leaves)
        guests_.erase(guests_.begin() + static_cast<long>(i));
      else
        ++i;
    }
    let_go_of_the_lost();
  }
  const auto answer = encode(Answer{.welcome = true});
  for (const Peer& peer : peers_) {
    if (!peer.socket.open()) continue;
    send_all(peer.socket, answer, Deadline(kAnswerTime));
    for (const RosterEntry& entry : roster_) {
      send_all(peer.socket, encode(entry), Deadline(kAnswerTime));
    }
  }
  return std::move(peers_);
}

void Reception::poll_all(const Deadline& deadline) {
  constexpr int kTick = 200;  // milliseconds: deadlines of guests
  std::vector<pollfd> polls = {{listener_.file(), POLLIN, 0}};
  for (const Guest& guest : guests_) polls.push_back({guest.socket.file(), POLLIN, 0});
  for (const Peer& peer : peers_) polls.push_back({peer.socket.file(), POLLRDHUP, 0});
  ::poll(polls.data(), polls.size(), std::min(kTick, deadline.poll_time()));
}

void Reception::admit() {
  while (guests_.size() < peers_.size() + kMostStrangers) {
    Socket socket = accept_from(listener_);
    if (!socket.open()) return;
    guests_.push_back({std::move(socket), Deadline(kHelloSeconds)});
  }
}

bool Reception::hear(Guest& guest) {
  while (guest.got < guest.bytes.size()) {
    const ssize_t got = ::recv(guest.socket.file(), guest.bytes.data() + guest.got,
                               guest.bytes.size() - guest.got, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) return true;
    guest.got += static_cast<size_t>(got);
    if (guest.got < kOpeningBytes) continue;
    uint32_t version = 0;
    if (!is_opening(guest.bytes, version)) {
      note_ = concat(guest.socket.peer(), " connected, but is no gantry: it sent \"",
                     printable({guest.bytes.data(), guest.got}), '"');
      return true;
    }
    if (version != kProtocolVersion) {
      refuse(guest, concat("the ranks that meet here speak version ", kProtocolVersion,
                           " of the protocol, this one version ", version,
                           ": install the same gantry everywhere"));
      return true;
    }
  }
  return judge(guest, decode_hello(guest.bytes));
}

bool Reception::judge(Guest& guest, const Hello& hello) {
  const std::string who =
      concat("rank ", hello.rank, " on ", hello.host, " (", guest.socket.peer(), ')');
  if (hello.job != own_.job) {
    refuse(guest,
           concat("job \"", own_.job, "\" meets here, and ", who, " is of job \"", hello.job,
                  "\": give each run a port of its own, or all its ranks the same --job-id"));
    return true;
  }
  std::string wrong;
  if (hello.size != own_.size) {
    wrong = concat(who, " counts ", hello.size, " ranks, rank 0 on ", own_.host, " counts ",
                   own_.size, ": start all with the same number");
  } else if (hello.rank >= own_.size || hello.port == 0 || hello.port > 65535) {
    note_ = concat(guest.socket.peer(), " made no sense");
    return true;
  } else if (hello.rank == 0 || peers_[hello.rank].socket.open()) {
    let_go_of_the_lost();
    const bool twice = hello.rank == 0 || peers_[hello.rank].socket.open();
    if (twice) {
      wrong = concat(who, " is there twice; the first: ",
                     hello.rank == 0 ? concat("rank 0 on ", own_.host) : peers_[hello.rank].label,
                     ": give every process another rank");
    }
  }
  if (!wrong.empty()) {
    refuse(guest, wrong);
    end(wrong);
  }
  send_all(guest.socket, encode(Answer{.welcome = true}), Deadline(kAnswerTime));
  roster_[hello.rank] = {guest.socket.peer_host(), hello.host, hello.port};
  peers_[hello.rank] = {std::move(guest.socket), who};
  return true;
}

void Reception::refuse(const Guest& guest, const std::string& text) {
  note_ = concat("refused ", guest.socket.peer(), ": ", text);
  const std::string whole = concat(place_text(world_.host, world_.port), ": ", text);
  send_all(guest.socket, encode(Answer{.welcome = false, .text = whole}), Deadline(kAnswerTime));
}

// Whoever ends while it waits may come again.
void Reception::let_go_of_the_lost() {
  for (Peer& peer : peers_) {
    pollfd one{peer.socket.file(), POLLRDHUP, 0};
    if (!peer.socket.open() || ::poll(&one, 1, 0) == 0) continue;
    note_ = concat(peer.label, " joined, and left");
    peer = {};
  }
}

void Reception::end(const std::string& text) {
  for (const Peer& peer : peers_) {
    if (!peer.socket.open()) continue;
    send_all(peer.socket, encode(Answer{.welcome = false, .text = text}), Deadline(kAnswerTime));
  }
  throw EnvironmentError(text);
}

std::string Reception::missing() const {
  std::string ranks;
  for (size_t rank = 1; rank < peers_.size(); ++rank) {
    if (!peers_[rank].socket.open()) ranks += concat(ranks.empty() ? "rank " : ", rank ", rank);
  }
  return ranks;
}

size_t Reception::joined() const {
  return static_cast<size_t>(std::count_if(peers_.begin(), peers_.end(),
                                           [](const Peer& peer) { return peer.socket.open(); }));
}

}  // namespace gantry
