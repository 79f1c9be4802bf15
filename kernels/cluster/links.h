// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/cluster/socket.h"

namespace gantry {

// Another rank of a run.
struct Peer {
  Socket socket;      // closed: this rank itself
  std::string label;  // "rank 1 on node7 (10.0.0.5:4711)"
};

// The connections of a rank with every other one. What goes over them are frames: 16 bytes (kind,
// number of the operation, bytes that follow), then those bytes. Data are read straight into the
// memory that waits for them; a frame of another length or operation than expected is PeerError.
class Links {
 public:
  // Of one operation, with one other rank.
  struct Part {
    const void* send = nullptr;
    size_t send_bytes = 0;
    void* receive = nullptr;
    size_t receive_bytes = 0;
    bool sends = false, receives = false;
  };

  Links(int rank, std::vector<Peer> peers);
  int rank() const { return rank_; }
  int size() const { return static_cast<int>(peers_.size()); }
  void set_timeout(double seconds) { timeout_ = seconds; }

  // By rank, all empty: to be filled for exchange().
  std::span<Part> parts();
  // Sends and receives them all. PeerError naming the ranks that did not come.
  void exchange(const std::string& what);
  // PeerError if another rank has ended or said that it gives up. Takes no data.
  void require_peers();
  // Tells the others why this rank ends, as far as that can be done without waiting.
  void abort(const std::string& reason) noexcept;

 private:
  enum class Kind : uint32_t { kData = 1, kAbort, kWaiting };
  static constexpr size_t kHeaderBytes = 16;
  using Header = std::array<uint8_t, kHeaderBytes>;
  struct Link {
    Header out{}, in{};
    size_t sent = 0, got = 0;  // bytes of the frame, header included
    bool sending = false, receiving = false;
    bool waits = false;           // has given up waiting for others
    std::vector<uint8_t> notice;  // what follows the header of kAbort, kWaiting
  };

  Header header(Kind kind, uint64_t length) const;
  bool pending(size_t rank) const { return links_[rank].sending || links_[rank].receiving; }
  void push(size_t rank, const std::string& what);
  void pull(size_t rank, const std::string& what);
  // The next bytes of a frame: false where they have not all come.
  bool take(size_t rank, void* data, size_t bytes, const std::string& what);
  void open_frame(size_t rank, const std::string& what);
  void close_frame(size_t rank);
  void poll_pending(int milliseconds);
  void move(const std::string& what);
  void send_notice(size_t rank, Kind kind, std::span<const uint8_t> bytes) noexcept;
  [[noreturn]] void give_up(const std::string& what);
  [[noreturn]] void lose(size_t rank, const std::string& what, const std::string& reason) const;

  int rank_;
  double timeout_;
  uint32_t operation_ = 0;
  bool someone_gave_up_ = false;
  std::vector<Peer> peers_;
  std::vector<Part> parts_;
  std::vector<Link> links_;
  std::vector<pollfd> polls_;
  std::vector<bool> named_;  // by ranks that have given up waiting for them
};

}  // namespace gantry
