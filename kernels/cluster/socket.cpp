// SPDX-License-Identifier: Apache-2.0
#include "kernels/cluster/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <utility>

#include "core/error.h"

namespace gantry {
namespace {

constexpr int kBacklog = 4096;
constexpr double kNameTime = 60;                         // seconds for a name to appear
constexpr double kAttemptTime = 15;                      // of one attempt to connect
constexpr double kFirstPause = 0.05, kLongestPause = 2;  // seconds between attempts

void set_option(int file, int level, int option, int value) {
  ::setsockopt(file, level, option, &value, sizeof(value));
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Addresses resolve(const std::string& host, int port, int& error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  return Addresses(error == 0 ? list : nullptr);
}

// An open socket, or why there is none.
Socket connect_once(const addrinfo& address, const Deadline& deadline, int& error) {
  Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  error = 0;
  if (!socket.open() || (::connect(socket.file(), address.ai_addr, address.ai_addrlen) != 0 &&
                         errno != EINPROGRESS)) {
    error = errno;
    return {};
  }
  if (!wait_for(socket, POLLOUT, Deadline(std::min(kAttemptTime, deadline.seconds_left())))) {
    error = ETIMEDOUT;
    return {};
  }
  socklen_t size = sizeof(error);
  ::getsockopt(socket.file(), SOL_SOCKET, SO_ERROR, &error, &size);
  // Where nobody listens, a socket may be given that very port and meet itself.
  if (error == 0 && socket.meets_itself()) error = ECONNREFUSED;
  if (error != 0) return {};
  socket.prepare();
  return socket;
}

Socket listen_on(const addrinfo& address, int& error) {
  Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.open()) {
    set_option(socket.file(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (address.ai_family == AF_INET6) set_option(socket.file(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (::bind(socket.file(), address.ai_addr, address.ai_addrlen) == 0 &&
        ::listen(socket.file(), kBacklog) == 0) {
      return socket;
    }
  }
  error = errno;
  return {};
}

}  // namespace

double Deadline::seconds_left() const {
  return std::max(0.0, std::chrono::duration<double>(end_ - Clock::now()).count());
}

int Deadline::poll_time() const {
  constexpr double kLongest = 1e6;
  return static_cast<int>(std::ceil(std::min(kLongest, seconds_left() * 1e3)));
}

Socket::~Socket() {
  if (open()) ::close(file_);
}

Socket::Socket(Socket&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

void Socket::prepare() const {
  set_option(file_, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(file_, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(file_, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set_option(file_, IPPROTO_TCP, TCP_KEEPINTVL, 10);
}

std::string Socket::peer_host() const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  char host[NI_MAXHOST] = "?";
  if (::getpeername(file_, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof(host), nullptr, 0,
                  NI_NUMERICHOST);
  }
  const std::string text = host, mapped = "::ffff:";
  return text.starts_with(mapped) ? text.substr(mapped.size()) : text;
}

std::string Socket::peer() const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  ::getpeername(file_, reinterpret_cast<sockaddr*>(&address), &size);
  // The port stands at the same place in both families.
  return place_text(peer_host(), ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port));
}

bool Socket::meets_itself() const {
  sockaddr_storage here{}, there{};
  socklen_t here_size = sizeof(here), there_size = sizeof(there);
  ::getsockname(file_, reinterpret_cast<sockaddr*>(&here), &here_size);
  ::getpeername(file_, reinterpret_cast<sockaddr*>(&there), &there_size);
  return here_size == there_size && std::memcmp(&here, &there, here_size) == 0;
}

int Socket::local_port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  ::getsockname(file_, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string place_text(const std::string& host, int port) {
  const bool colons = host.find(':') != std::string::npos;
  return concat(colons ? "[" : "", host, colons ? "]" : "", ":", port);
}

Socket listen_at(const std::string& host, int port) {
  int error = 0;
  const std::vector<std::string> places = is_loopback(host)
                                              ? std::vector<std::string>{host}
                                              : std::vector<std::string>{"::", "0.0.0.0"};
  for (const std::string& place : places) {
    int unresolved = 0;
    const Addresses addresses = resolve(place, port, unresolved);
    for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
      Socket socket = listen_on(*one, error);
      if (socket.open()) return socket;
      // Another program's, on this family: the other family would hide that.
      if (error == EADDRINUSE) break;
    }
    if (error == EADDRINUSE) break;
  }
  throw EnvironmentError(concat(
      "cannot listen at port ", port, " (", place_text(host, port), "): ", std::strerror(error),
      "; another run or program may have it: choose another (--rendezvous HOST:PORT, "
      "MASTER_PORT or GANTRY_PORT), the same for all ranks"));
}

Socket accept_from(const Socket& listener) {
  Socket socket(::accept4(listener.file(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.open()) socket.prepare();
  return socket;
}

Socket connect_to(const std::string& host, int port, const Deadline& deadline) {
  const Deadline name_deadline(std::min(kNameTime, deadline.seconds_left()));
  double pause = kFirstPause;
  std::minstd_rand random(static_cast<unsigned>(::getpid()));
  std::string reason = "no time to try";
  while (!deadline.over()) {
    int error = 0;
    const Addresses addresses = resolve(host, port, error);
    if (error != 0) reason = ::gai_strerror(error);
    for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
      Socket socket = connect_once(*one, deadline, error);
      if (socket.open()) return socket;
      reason = std::strerror(error);
    }
    if (!addresses && name_deadline.over()) break;
    // Thousands of ranks that were started at once come one by one.
    const double jitter = std::uniform_real_distribution(0.5, 1.0)(random);
    std::this_thread::sleep_for(
        std::chrono::duration<double>(std::min(jitter * pause, deadline.seconds_left())));
    pause = std::min(2 * pause, kLongestPause);
  }
  throw EnvironmentError(reason);
}

bool wait_for(const Socket& socket, short events, const Deadline& deadline) {
  pollfd one{socket.file(), events, 0};
  while (true) {
    const int ready = ::poll(&one, 1, deadline.poll_time());
    if (ready > 0) return true;
    if (deadline.over() || (ready < 0 && errno != EINTR)) return false;
  }
}

Transfer send_all(const Socket& socket, std::span<const uint8_t> bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.file(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return Transfer::kLost;
    } else if (!wait_for(socket, POLLOUT, deadline)) {
      return Transfer::kLate;
    }
  }
  return Transfer::kDone;
}

Transfer receive_all(const Socket& socket, std::span<uint8_t> bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t got = ::recv(socket.file(), bytes.data(), bytes.size(), 0);
    if (got > 0) {
      bytes = bytes.subspan(static_cast<size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return Transfer::kLost;
    } else if (!wait_for(socket, POLLIN, deadline)) {
      return Transfer::kLate;
    }
  }
  return Transfer::kDone;
}

}  // namespace gantry
