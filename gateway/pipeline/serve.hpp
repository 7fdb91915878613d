// One request, to whoever serves it: the container credential endpoint, STS (log in, who am I, assume), or a call.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "gateway/http/exchange.hpp"
#include "gateway/pipeline/call.hpp"
#include "gateway/pipeline/services.hpp"

namespace holdpoint::pipeline {

boost::asio::awaitable<void> serve(Services& services, http::Exchange& exchange);

}  // namespace holdpoint::pipeline
