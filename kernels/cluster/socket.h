// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gantry {

// The end of a wait, on the clock that nobody sets.
class Deadline {
 public:
  explicit Deadline(double seconds)
      : end_(Clock::now() +
             std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))) {}
  bool over() const { return Clock::now() >= end_; }
  double seconds_left() const;
  int poll_time() const;  // milliseconds, rounded up; 0 when over

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point end_;
};

// A TCP socket that does not block; closed with the object.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int file) : file_(file) {}
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;

  int file() const { return file_; }
  bool open() const { return file_ >= 0; }
  // Small messages at once; a host that is gone without a word is found out.
  void prepare() const;
  std::string peer_host() const;  // numeric
  std::string peer() const;       // "10.0.0.5:4711", "[fd00::5]:4711"
  int local_port() const;
  bool meets_itself() const;

 private:
  int file_ = -1;
};

// Whether only processes of this machine can be meant.
bool is_loopback(const std::string& host);
std::string place_text(const std::string& host, int port);

// Listens on all addresses of this machine, IPv6 and IPv4, or on `host` alone where that is one
// of loopback. Port 0: any. EnvironmentError naming the port.
Socket listen_at(const std::string& host, int port);
// What waits to be accepted, if anything.
Socket accept_from(const Socket& listener);
// Tries until the deadline, waiting longer each time. Throws EnvironmentError with the last reason;
// a name that does not resolve is given a minute, since those of pods appear late.
Socket connect_to(const std::string& host, int port, const Deadline& deadline);

// Whether it can be read (written) by then.
bool wait_for(const Socket& socket, short events, const Deadline& deadline);

enum class Transfer { kDone, kLost, kLate };
// All of it or nothing that can be used.
Transfer send_all(const Socket& socket, std::span<const uint8_t> bytes, const Deadline& deadline);
Transfer receive_all(const Socket& socket, std::span<uint8_t> bytes, const Deadline& deadline);

}  // namespace gantry
