// SPDX-License-Identifier: Apache-2.0
#include "kernels/cluster/links.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernels/communicator.h"

namespace gantry {
namespace {

constexpr size_t kMostReason = 4096;
// How long a rank that has waited in vain listens for others that have, too.
constexpr double kCensus = 1.5;

uint64_t number_at(const uint8_t* bytes, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

void put_number(uint8_t* bytes, uint64_t value, size_t count) {
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(value >> (8 * i));
}

}  // namespace

Links::Links(int rank, std::vector<Peer> peers)
    : rank_(rank),
      timeout_(kStartTimeout),
      peers_(std::move(peers)),
      parts_(peers_.size()),
      links_(peers_.size()),
      polls_(peers_.size()),
      named_(peers_.size()) {}

std::span<Links::Part> Links::parts() {
  std::fill(parts_.begin(), parts_.end(), Part());
  return parts_;
}

Links::Header Links::header(Kind kind, uint64_t length) const {
  Header bytes{};
  put_number(bytes.data(), static_cast<uint32_t>(kind), 4);
  put_number(bytes.data() + 4, operation_, 4);
  put_number(bytes.data() + 8, length, 8);
  return bytes;
}

void Links::exchange(const std::string& what) {
  ++operation_;
  for (size_t rank = 0; rank < links_.size(); ++rank) {
    Link& link = links_[rank];
    const bool other = peers_[rank].socket.open();
    link.sending = other && parts_[rank].sends;
    link.receiving = other && parts_[rank].receives;
    link.sent = 0;
    link.out = header(Kind::kData, parts_[rank].send_bytes);
    if (link.sending) push(rank, what);
  }
  const Deadline deadline(timeout_);
  while (std::any_of(links_.begin(), links_.end(),
                     [](const Link& link) { return link.sending || link.receiving; })) {
    if (deadline.over() || someone_gave_up_) give_up(what);
    poll_pending(deadline.poll_time());
    move(what);
  }
}

void Links::require_peers() {
  const std::string what = "the work on its GPU";
  for (size_t rank = 0; rank < links_.size(); ++rank) {
    Link& link = links_[rank];
    if (!peers_[rank].socket.open()) continue;
    Header next{};
    const ssize_t there =
        ::recv(peers_[rank].socket.file(), next.data(), next.size(), MSG_PEEK | MSG_DONTWAIT);
    if (there == 0) lose(rank, what, "closed by the other side");
    const bool last_words = there == static_cast<ssize_t>(kHeaderBytes) &&
                            number_at(next.data(), 4) == static_cast<uint32_t>(Kind::kAbort);
    if (!last_words) continue;
    link.receiving = true;
    pull(rank, what);
    link.receiving = false;  // they have not all come
  }
}

void Links::poll_pending(int milliseconds) {
  for (size_t rank = 0; rank < links_.size(); ++rank) {
    const Link& link = links_[rank];
    const int events = (link.sending ? POLLOUT : 0) | (link.receiving ? POLLIN : 0);
    // A negative file is left out.
    polls_[rank] = {events == 0 ? -1 : peers_[rank].socket.file(), static_cast<short>(events), 0};
  }
  ::poll(polls_.data(), polls_.size(), milliseconds);
}

void Links::move(const std::string& what) {
  for (size_t rank = 0; rank < links_.size(); ++rank) {
    if (polls_[rank].revents == 0 || polls_[rank].fd < 0) continue;
    // What a rank that has gone said last is worth more than that it has gone.
    if (links_[rank].receiving) pull(rank, what);
    if (links_[rank].sending) push(rank, what);
  }
}

void Links::push(size_t rank, const std::string& what) {
  Link& link = links_[rank];
  const Part& part = parts_[rank];
  while (link.sent < kHeaderBytes + part.send_bytes) {
    const size_t of_header = std::min(link.sent, kHeaderBytes), of_data = link.sent - of_header;
    iovec pieces[2] = {{link.out.data() + of_header, kHeaderBytes - of_header},
                       {const_cast<char*>(static_cast<const char*>(part.send)) + of_data,
                        part.send_bytes - of_data}};
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    const ssize_t sent = ::sendmsg(peers_[rank].socket.file(), &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      link.sent += static_cast<size_t>(sent);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      // Its last words may still be to be read.
      const int error = errno;
      if (link.receiving) pull(rank, what);
      lose(rank, what, std::strerror(error));
    }
  }
  link.sending = false;
}

bool Links::take(size_t rank, void* data, size_t bytes, const std::string& what) {
  Link& link = links_[rank];
  while (bytes > 0) {
    const ssize_t got = ::recv(peers_[rank].socket.file(), data, bytes, 0);
    if (got > 0) {
      link.got += static_cast<size_t>(got);
      data = static_cast<char*>(data) + got;
      bytes -= static_cast<size_t>(got);
    } else if (got < 0 && errno == EAGAIN) {
      return false;
    } else if (got == 0) {
      lose(rank, what, "closed by the other side");
    } else if (errno != EINTR) {
      lose(rank, what, std::strerror(errno));
    }
  }
  return true;
}

void Links::pull(size_t rank, const std::string& what) {
  Link& link = links_[rank];
  while (link.receiving) {
    if (link.got < kHeaderBytes) {
      if (!take(rank, link.in.data() + link.got, kHeaderBytes - link.got, what)) return;
      open_frame(rank, what);
    }
    const size_t of_frame = link.got - kHeaderBytes;
    const bool is_data = number_at(link.in.data(), 4) == static_cast<uint32_t>(Kind::kData);
    const size_t bytes = is_data ? parts_[rank].receive_bytes : link.notice.size();
    auto* const place = is_data ? static_cast<char*>(parts_[rank].receive)
                                : reinterpret_cast<char*>(link.notice.data());
    if (!take(rank, place + of_frame, bytes - of_frame, what)) return;
    close_frame(rank);
  }
}

void Links::open_frame(size_t rank, const std::string& what) {
  Link& link = links_[rank];
  const uint64_t kind = number_at(link.in.data(), 4), operation = number_at(link.in.data() + 4, 4);
  const uint64_t length = number_at(link.in.data() + 8, 8);
  if (kind == static_cast<uint32_t>(Kind::kData)) {
    if (operation == operation_ && length == parts_[rank].receive_bytes) return;
    throw PeerError(concat(peers_[rank].label, " has come to another operation than ", what, ": ",
                           length, " bytes, its number ", operation, "; here ",
                           parts_[rank].receive_bytes, " bytes, number ", operation_));
  }
  const bool sound = (kind == static_cast<uint32_t>(Kind::kAbort) && length <= kMostReason) ||
                     (kind == static_cast<uint32_t>(Kind::kWaiting) && length == links_.size());
  if (!sound) throw PeerError(concat(peers_[rank].label, " sent what is no message of gantry's"));
  link.notice.resize(length);
}

void Links::close_frame(size_t rank) {
  Link& link = links_[rank];
  link.got = 0;
  switch (static_cast<Kind>(number_at(link.in.data(), 4))) {
    case Kind::kData:
      link.receiving = false;
      return;
    case Kind::kAbort:
      throw PeerError(std::string(link.notice.begin(), link.notice.end()));
    case Kind::kWaiting:
      link.waits = someone_gave_up_ = true;
      for (size_t i = 0; i < named_.size(); ++i) named_[i] = named_[i] || link.notice[i] != 0;
  }
}

void Links::send_notice(size_t rank, Kind kind, std::span<const uint8_t> bytes) noexcept {
  // Not in the midst of another frame.
  if (!peers_[rank].socket.open() || links_[rank].sending) return;
  Header first = header(kind, bytes.size());
  iovec pieces[2] = {{first.data(), first.size()},
                     {const_cast<uint8_t*>(bytes.data()), bytes.size()}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  ::sendmsg(peers_[rank].socket.file(), &message, MSG_NOSIGNAL);
}

void Links::give_up(const std::string& what) {
  std::vector<uint8_t> missing(links_.size());
  for (size_t rank = 0; rank < links_.size(); ++rank) missing[rank] = pending(rank) ? 1 : 0;
  for (size_t rank = 0; rank < links_.size(); ++rank) send_notice(rank, Kind::kWaiting, missing);
  for (const Deadline census(kCensus); !census.over();) {
    bool unheard = false;
    for (size_t rank = 0; rank < links_.size(); ++rank) {
      links_[rank].sending = false;
      links_[rank].receiving = links_[rank].receiving && !links_[rank].waits;
      unheard = unheard || links_[rank].receiving;
    }
    if (!unheard) break;
    poll_pending(census.poll_time());
    move(what);
  }
  std::string silent;
  const auto name = [&](size_t rank) {
    silent += (silent.empty() ? "" : ", ") + peers_[rank].label;
  };
  for (size_t rank = 0; rank < links_.size(); ++rank) {
    if (missing[rank] != 0 && !links_[rank].waits) name(rank);
  }
  const auto self = static_cast<size_t>(rank_);
  for (size_t rank = 0; rank < links_.size() && missing[self] == 0; ++rank) {
    if (rank != self && missing[rank] == 0 && named_[rank] && !links_[rank].waits) name(rank);
  }
  if (silent.empty()) silent = "others, which gave up waiting for this rank,";
  throw PeerError(concat(silent, " did not come to ", what, " within ", timeout_, " s"));
}

void Links::lose(size_t rank, const std::string& what, const std::string& reason) const {
  throw PeerError(concat(peers_[rank].label, " did not come to ", what,
                         ": its connection is lost (", reason,
                         "): the process has ended, or the network between"));
}

void Links::abort(const std::string& reason) noexcept {
  const auto* const text = reinterpret_cast<const uint8_t*>(reason.data());
  for (size_t rank = 0; rank < links_.size(); ++rank) {
    send_notice(rank, Kind::kAbort, {text, std::min(reason.size(), kMostReason)});
  }
  for (const Peer& peer : peers_) {
    if (peer.socket.open()) ::shutdown(peer.socket.file(), SHUT_WR);
  }
}

}  // namespace gantry
