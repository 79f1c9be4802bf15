// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_emulation/nccl_clique.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/error.h"
#include "tests/cuda_emulation/emulator.h"
#include "tests/cuda_emulation/nccl_library.h"

namespace gantry::emulation {
namespace {

std::atomic<int64_t> operations = 0;

size_t bytes_of(const NcclCall& call) {
  return call.count * (call.type == ncclFloat64 ? sizeof(double) : sizeof(float));
}

bool is_pair(const NcclCall& call) {
  return call.kind == NcclKind::kSend || call.kind == NcclKind::kReceive;
}

std::string text(const NcclCall& call) {
  constexpr const char* kNames[] = {"all-reduce", "all-gather", "send", "receive"};
  return concat(kNames[static_cast<size_t>(call.kind)], " of ", call.count,
                call.type == ncclFloat64 ? " f64" : " f32");
}

// Those of its calls that all ranks make together.
std::vector<NcclCall> collectives(std::vector<NcclCall> calls) {
  std::erase_if(calls, is_pair);
  return calls;
}

// What `calls` send to or receive from a rank, in order.
std::vector<NcclCall> pairs(const std::vector<NcclCall>& calls, NcclKind kind, size_t peer) {
  std::vector<NcclCall> of_peer;
  for (const NcclCall& call : calls) {
    if (call.kind == kind && call.peer == static_cast<int>(peer)) of_peer.push_back(call);
  }
  return of_peer;
}

void require_same(size_t a, const std::vector<NcclCall>& of_a, size_t b,
                  const std::vector<NcclCall>& of_b) {
  for (size_t i = 0; i < std::max(of_a.size(), of_b.size()); ++i) {
    const std::string one = i < of_a.size() ? text(of_a[i]) : "nothing";
    const std::string other = i < of_b.size() ? text(of_b[i]) : "nothing";
    if (one != other) throw Defect(concat("rank ", a, " calls ", one, ", rank ", b, " ", other));
  }
}

void require_matched(size_t from, const std::vector<NcclCall>& sent, size_t to,
                     const std::vector<NcclCall>& received) {
  bool same = sent.size() == received.size();
  for (size_t i = 0; same && i < sent.size(); ++i) {
    same = sent[i].count == received[i].count && sent[i].type == received[i].type;
  }
  if (!same) {
    throw Defect(concat("rank ", from, " sends what rank ", to,
                        " does not receive: ", sent.empty() ? "nothing" : text(sent[0]), ", ",
                        received.empty() ? "nothing" : text(received[0])));
  }
}

template <typename Real>
void add(const std::vector<const NcclCall*>& calls) {
  const size_t count = calls[0]->count;
  std::vector<Real> sum(count, Real(0));
  for (size_t rank = calls.size(); rank-- > 0;) {
    const Real* const x = static_cast<const Real*>(calls[rank]->send);
    for (size_t i = 0; i < count; ++i) sum[i] += x[i];
  }
  for (const NcclCall* call : calls) std::memcpy(call->receive, sum.data(), count * sizeof(Real));
}

void check_memory(const NcclCall& call, size_t ranks) {
  if (call.send) check_range(call.send, bytes_of(call), true, "what NCCL sends");
  if (!call.receive) return;
  const size_t bytes = bytes_of(call) * (call.kind == NcclKind::kAllGather ? ranks : 1);
  check_range(call.receive, bytes, false, "what NCCL receives");
  mark_written(call.receive, bytes);
}

}  // namespace

int64_t nccl_operations() { return operations; }

Clique::Clique(int ranks) : noted_(static_cast<size_t>(ranks)), arrived_(noted_.size()) {}

bool Clique::join(int rank, int device) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return members_.insert(rank).second && devices_.insert(device).second;
}

bool Clique::all_here() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return members_.size() == ranks();
}

void Clique::finalize() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++finalizing_;
}

bool Clique::all_finalizing() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return finalizing_ == ranks();
}

void Clique::note(int rank, const std::vector<NcclCall>& calls, bool captured) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto self = static_cast<size_t>(rank);
  noted_[self].push_back({calls, captured});
  const size_t place = noted_[self].size() - 1;
  for (size_t other = 0; other < ranks(); ++other) {
    if (other == self || noted_[other].size() <= place) continue;
    compare(self, noted_[self][place], other, noted_[other][place]);
  }
}

void Clique::compare(size_t a, const Noted& of_a, size_t b, const Noted& of_b) const {
  if (of_a.captured != of_b.captured)
    throw Defect(concat("rank ", a, " and rank ", b, ": one records what the other runs"));
  require_same(a, collectives(of_a.calls), b, collectives(of_b.calls));
  require_matched(a, pairs(of_a.calls, NcclKind::kSend, b), b,
                  pairs(of_b.calls, NcclKind::kReceive, a));
  require_matched(b, pairs(of_b.calls, NcclKind::kSend, a), a,
                  pairs(of_a.calls, NcclKind::kReceive, b));
}

int64_t Clique::arrive(int rank, const std::vector<NcclCall>& calls) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto self = static_cast<size_t>(rank);
  const auto number = static_cast<size_t>(arrived_[self]++);
  if (meetings_.size() <= number) meetings_.resize(number + 1);
  Meeting& meeting = meetings_[number];
  meeting.calls.resize(ranks());
  for (size_t other = 0; other < ranks(); ++other) {
    // Of graphs that are launched, too.
    if (!meeting.calls[other].empty())
      compare(self, {calls, false}, other, {meeting.calls[other], false});
  }
  meeting.calls[self] = calls;
  if (++meeting.here == ranks()) perform(meeting);
  return static_cast<int64_t>(number);
}

bool Clique::is_done(int64_t meeting) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return meetings_[static_cast<size_t>(meeting)].here == ranks();
}

void Clique::perform(const Meeting& meeting) const {
  for (const auto& calls : meeting.calls) {
    for (const NcclCall& call : calls) check_memory(call, ranks());
  }
  exchange(meeting);
  const size_t count = collectives(meeting.calls[0]).size();
  for (size_t i = 0; i < count; ++i) {
    std::vector<std::vector<NcclCall>> all;
    std::vector<const NcclCall*> calls;
    for (const auto& of_rank : meeting.calls) all.push_back(collectives(of_rank));
    for (const auto& of_rank : all) calls.push_back(&of_rank[i]);
    if (calls[0]->kind == NcclKind::kAllReduce) {
      calls[0]->type == ncclFloat64 ? add<double>(calls) : add<float>(calls);
      continue;
    }
    const size_t bytes = bytes_of(*calls[0]);
    for (const NcclCall* to : calls) {
      for (size_t rank = 0; rank < ranks(); ++rank) {
        std::memcpy(static_cast<char*>(to->receive) + rank * bytes, calls[rank]->send, bytes);
      }
    }
  }
  operations += static_cast<int64_t>(ranks());
}

// In a group all is sent as it was before any of it is received.
void Clique::exchange(const Meeting& meeting) const {
  std::vector<std::pair<NcclCall, std::vector<char>>> letters;
  for (size_t from = 0; from < ranks(); ++from) {
    for (size_t to = 0; to < ranks(); ++to) {
      const auto sent = pairs(meeting.calls[from], NcclKind::kSend, to);
      const auto received = pairs(meeting.calls[to], NcclKind::kReceive, from);
      for (size_t i = 0; i < sent.size(); ++i) {
        const char* data = static_cast<const char*>(sent[i].send);
        letters.emplace_back(received[i], std::vector<char>(data, data + bytes_of(sent[i])));
      }
    }
  }
  for (const auto& [to, bytes] : letters) std::memcpy(to.receive, bytes.data(), bytes.size());
}

}  // namespace gantry::emulation
