--[[ conv_identity: what people of ours do about who somebody is: ask, say it themselves, take it back, do what needed a fresh proof.

One step with the link's record, so that only the last link that was sent opens anything, and with the fact for the audit.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo  7 kv:hash of the link's token (hash; used by ask alone)  8 f:C
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest  6 keep the answer (ms)  7 entry key of the note ('' none)  8 sealed note
      9 ask, set, unset or use  10 act ('' none)  11 hash of the token  12 how long link and code are good for (ms)
RETURNS as a command (lua/_conv.lua); not_fresh: no proof for this act; erasing
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[5], conv)
if first then return first end
local what, act = ARGV[9], ARGV[10]
if what == 'set' or what == 'unset' then -- a supervisor, whose the conversation is matters not
  if conv.ep ~= ARGV[4] then return refused('owner_changed', conv) end
else
  local other = not_theirs(conv, ARGV[3], ARGV[4])
  if other then return other end
end
if redis.call('HGET', KEYS[8], 'erasing') then return refused('erasing', conv) end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local changes, kind, detail = {}, '', 'agent=' .. ARGV[3]
if what == 'ask' then
  changes = {ia = 'asked', ib = text(now), iy = '', ic = act, it = ARGV[11]}
  redis.call('DEL', KEYS[7])
  redis.call('HSET', KEYS[7], 'v', ARGV[2], 'until', text(now + tonumber(ARGV[12])))
  redis.call('PEXPIRE', KEYS[7], text(3 * tonumber(ARGV[12]))) -- a code may be asked for in its last second; then "done" is said
  kind, detail = 'identity_asked', detail .. ' act=' .. act
elseif what == 'set' then
  changes = {iv = text(now), ih = text(now), iw = 'supervisor', ia = '', it = '', iy = '', ic = '', ig = '', iu = ''}
  kind, detail = 'identity_verified', detail .. ' how=supervisor'
elseif what == 'unset' then
  -- What their app said before is taken back with it: it lies with the address, where it stays.
  changes = {iv = '', ih = '', iw = '', ia = '', it = '', iy = '', ic = '', ig = '', iu = '', ie = text(now)}
  kind, detail = 'identity_dropped', detail .. ' why=supervisor'
else
  if (conv.ig or '') ~= act or act == '' or now >= tonumber(conv.iu) then return refused('not_fresh', conv) end
  changes = {ig = '', iu = ''}
  kind, detail = 'identity_used', detail .. ' act=' .. act
end
local entry = ''
if ARGV[7] ~= '' then entry = conv_entry(KEYS[2], now, 'note', ARGV[3], '', '', ARGV[7], '', 'text', ARGV[8]) end
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, changes)
fact(KEYS[4], now, kind, ARGV[2] .. ' ' .. conv.c, detail .. stands(conv))
if what == 'set' or what == 'unset' then
  fact(KEYS[4], now, 'identity_set', ARGV[2] .. ' ' .. conv.c, 'agent=' .. ARGV[3] .. ' new=' .. what .. ' brand=' .. conv.b)
end
return answer(KEYS[3], ARGV[5], ARGV[6], conv, entry, '')
