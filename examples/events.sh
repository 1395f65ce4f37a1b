#!/bin/sh
# One booking with curl: an order, then a delay, then what became of it.
#   GATEWAY_API_KEY=... PHONE=+447700900123 sh examples/events.sh
# PHONE is your own number in a trial; outside production it must stand in GATEWAY_ONLY_TO.
set -eu

url="${GATEWAY_URL:-http://127.0.0.1:8081}"
: "${GATEWAY_API_KEY:?set it to an API key of the gateway}"
: "${PHONE:?set it to the phone that is to hear the news, such as +447700900123}"

run="$(date +%s)"
today="$(date -u +%Y-%m-%d)"
now="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
flight="ZZ1007/$today/AMS"
booking="X$run"

# The key goes in by a header file, so that it does not stand among the arguments of a process.
headers="$(mktemp)"
trap 'rm -f "$headers"' EXIT
printf 'Authorization: Bearer %s\n' "$GATEWAY_API_KEY" > "$headers"

send() {
  curl --silent --show-error --fail-with-body --max-time 20 --retry 5 --retry-connrefused \
    --header "@$headers" --header 'Content-Type: application/cloudevents+json' --data-binary @- "$url/v1/events"
  echo
}

send <<JSON
{"specversion": "1.0", "id": "order-$run", "source": "/examples/orders", "type": "org.example.order.status.v1",
 "subject": "$booking", "time": "$now", "sequence": "1",
 "data": {"orderNumber": "$booking", "kind": "flight", "status": "confirmed",
  "itinerary": [{"entity": "$flight", "type": "flight",
    "from": {"code": "AMS", "name": "Amsterdam", "timezone": "Europe/Amsterdam"},
    "to": {"code": "LHR", "name": "London Heathrow", "timezone": "Europe/London"},
    "times": {"departure": {"scheduled": "${today}T22:55:00+01:00"}, "arrival": {"scheduled": "${today}T23:20:00+00:00"}}}],
  "recipients": [{"customerId": "C-$run", "role": "booker", "locale": "en-GB", "timezone": "Europe/Amsterdam",
    "addresses": [{"channel": "whatsapp", "to": "$PHONE", "proof": "otp", "givenBy": "self"}],
    "consents": [{"purpose": "journey", "channel": "whatsapp", "granted": true, "at": "$now",
      "how": "example", "wording": "journey-en-3"}]}]}}
JSON

# In the binary form the attributes are headers and the body is the data alone.
curl --silent --show-error --fail-with-body --max-time 20 --retry 5 --retry-connrefused --header "@$headers" \
  --header 'Content-Type: application/json' --header 'ce-specversion: 1.0' --header "ce-id: delay-$run" \
  --header 'ce-source: /examples/flights' --header 'ce-type: org.example.flight.status.v1' \
  --header "ce-subject: $flight" --header "ce-time: $now" --header "ce-sequence: $run" \
  --data-binary @- "$url/v1/events" <<JSON
{"leg": {"carrier": "ZZ", "flightNumber": "1007", "originDate": "$today", "from": "AMS", "to": "LHR"}, "status": "delayed",
 "times": {"departure": {"scheduled": "${today}T22:55:00+01:00", "estimated": "${today}T23:40:00+01:00"}}}
JSON
echo

# No number stands in a URL: the search has it in its body.
printf '{"customer": "C-%s"}' "$run" | curl --silent --show-error --fail-with-body --max-time 20 --header "@$headers" \
  --header 'Content-Type: application/json' --data-binary @- "$url/v1/contacts/search"
echo
