#include "gateway/pipeline/unread.hpp"

#include <algorithm>

#include "bus/base/json.hpp"
#include "gateway/pipeline/refusal_answer.hpp"
#include "gateway/record/operation_record.hpp"

namespace holdpoint::pipeline {

namespace asio = boost::asio;

aws::HttpHead glance(std::string_view beginning) {
  aws::HttpHead head;
  const auto next_line = [&beginning] {
    const std::string_view line = beginning.substr(0, beginning.find('\n'));
    beginning.remove_prefix(std::min(line.size() + 1, beginning.size()));
    return line;
  };
  const std::string_view request = next_line();
  const std::size_t first = std::min(request.find(' '), request.size());
  const std::size_t second = std::min(request.find(' ', first + 1), request.size());
  head.method = request.substr(0, first);
  if (first < second) head.target = request.substr(first + 1, second - first - 1);
  while (!beginning.empty() && head.headers.size() < http::kHeadersMax) {
    std::string_view line = next_line();
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos)
      head.headers.emplace_back(line.substr(0, colon), aws::trim(line.substr(colon + 1)));
  }
  return head;
}

asio::awaitable<http::UnreadAnswer> answer_unread(Services& services, http::Unread unread) {
  record::OperationFacts facts;
  facts.operation_id = to_text(services.ids.next(system_now()));
  facts.source_ip = std::move(unread.source_ip);
  const operation::Refusal refusal{"invalid", unread.error.code, unread.error.context};
  auto data = record::refused_data(facts, refusal, {}, unread.status);
  (void)co_await record_stranger(services, record::type::kOperationRefused, facts.operation_id, std::move(data));
  const aws::HttpHead head = glance(unread.beginning);
  aws::ErrorAnswer answer =
      refusal_answer({head, nullptr, aws::claimed_service(head), std::nullopt, facts.operation_id}, refusal);
  co_return http::UnreadAnswer{std::move(answer.headers), std::move(answer.body)};
}

}  // namespace holdpoint::pipeline
