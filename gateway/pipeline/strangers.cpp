#include "gateway/pipeline/strangers.hpp"

#include <algorithm>
#include <utility>

#include "gateway/pipeline/services.hpp"

namespace holdpoint::pipeline {

std::optional<std::uint64_t> Strangers::admit(Steady::time_point now) {
  const std::chrono::duration<double> passed = now - refilled_;
  refilled_ = now;
  room_ = std::min(kBurst, room_ + passed.count() * kPerSecond);
  if (room_ < 1) {
    ++left_out_;
    return std::nullopt;
  }
  room_ -= 1;
  return std::exchange(left_out_, 0);
}

boost::asio::awaitable<Result<void>> record_stranger(Services& services, std::string_view type, std::string subject,
                                                     record::EventData data) {
  const auto left_out = services.strangers.admit(Strangers::Steady::now());
  if (!left_out) co_return Result<void>();
  if (*left_out > 0) data.number("left_out_before", *left_out);
  auto recorded = co_await services.record.record(type, std::move(subject), std::move(data));
  if (!recorded) co_return recorded.error();
  co_return Result<void>();
}

}  // namespace holdpoint::pipeline
