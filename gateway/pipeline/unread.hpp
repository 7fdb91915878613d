// A head that could not be read: recorded, and answered in the shape that its sender most likely understands.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "gateway/http/exchange.hpp"
#include "gateway/pipeline/services.hpp"

namespace holdpoint::pipeline {

boost::asio::awaitable<http::UnreadAnswer> answer_unread(Services& services, http::Unread unread);

/// Header lines wherever they look like some; good for nothing but the shape of an error.
aws::HttpHead glance(std::string_view beginning);

}  // namespace holdpoint::pipeline
