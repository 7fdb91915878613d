// A connection as bytes, plain or TLS, so that everything above is compiled once. Streams belong to one thread, that of
// their executor.
//
// Deadlines are absolute and cost no timer each: a shard's Deadlines looks at all of its streams twice a second and
// closes what is late. So a deadline is kept to about half a second.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "bus/base/result.hpp"

namespace holdpoint::http {

using SteadyTime = std::chrono::steady_clock::time_point;
// A head and a small body in one read; bodies in pieces that keep system calls rare.
constexpr std::size_t kHeadReadBytes = 4 << 10;
constexpr std::size_t kBodyReadBytes = 64 << 10;

inline SteadyTime in(std::chrono::seconds time) { return std::chrono::steady_clock::now() + time; }

class Stream {
 public:
  virtual ~Stream() = default;

  /// At least one byte; 0 when the peer has closed. Fails with `timed_out` behind the deadline, else `unavailable`.
  virtual boost::asio::awaitable<Result<std::size_t>> read_some(char* data, std::size_t size) = 0;
  /// Both parts, in one system call where it can be. They must live until the answer.
  virtual boost::asio::awaitable<Result<void>> write_all(std::string_view first, std::string_view second = {}) = 0;

  /// Calls `readable` once when bytes or the end arrive, unless unwatch() came first. Nothing else may be read or
  /// written by watchers meanwhile but write_all.
  virtual void watch(std::function<void()> readable) = 0;
  virtual void unwatch() = 0;
  /// Nothing has arrived and the peer has not closed: a kept connection may be used again.
  virtual bool idle() = 0;

  /// Behind it every operation fails. SteadyTime::max() = none.
  virtual void deadline(SteadyTime deadline) = 0;
  virtual void close() = 0;
  /// Address without port, for the record.
  [[nodiscard]] virtual std::string peer_address() const = 0;
};

/// Closes the streams of one thread that are late.
class Deadlines {
 public:
  class Entry {
   public:
    Entry(Deadlines& owner, std::function<void()> expire);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    void set(SteadyTime deadline) {
      deadline_ = deadline;
      expired_ = false;
    }
    [[nodiscard]] bool expired() const { return expired_; }

   private:
    friend class Deadlines;
    Deadlines& owner_;
    std::function<void()> expire_;
    SteadyTime deadline_ = SteadyTime::max();
    bool expired_ = false;
    std::list<Entry*>::iterator place_;
  };

  /// Called about twice a second by the shard.
  void sweep(SteadyTime now);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  std::list<Entry*> entries_;
};

}  // namespace holdpoint::http
