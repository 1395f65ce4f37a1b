--[[ conv_prove: what somebody shows, or fails to show, of who they are: by the page behind their link, or by what their channel tells.

One step, because several processes may be asked at once: no code is tried a sixth time, no link is used twice, and what is shown
counts only for the link that was sent last.

KEYS  1 cv:V  2 kv:hash of the link's token (hash: v, until, code, ends, done, typed; any for drop)  3 kp:C (hash: tries, sends, until)  4 facts
      5 vd  6 vo  7 f:C
ARGV  1 offset (ms)  2 V  3 hash of the token ('' for drop)  4 send, unsent, code, login, other, typed or drop
      5 keyed hash of a code; why it could not be sent; drop: why  6 how long a code is good for (ms)  7 tries  8 sends
      9 how long the pause lasts (ms)  10 how long an act may be done (ms)  11 drop: what was shown no later than this (ms) goes;
      unsent: keyed hash of the code that it is about
RETURNS {verified} | {sent} | {wrong, tries left} | {paused, ms} | {no_code} | {gone} | {done: this link was used} | {ok} | {none}
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'gone'} end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local what = ARGV[4]
local function write(changes, kind, detail)
  conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, changes)
  if kind then fact(KEYS[4], now, kind, ARGV[2] .. ' ' .. conv.c, detail .. stands(conv)) end
end
if what == 'drop' then
  local shown = tonumber(conv.iv or '') or 0
  local asked = (conv.it or '') ~= '' and tonumber(conv.ib) <= tonumber(ARGV[11])
  if (shown == 0 or shown > tonumber(ARGV[11])) and not asked then return {'none'} end
  write({iv = '', ih = '', iw = '', ia = '', it = '', iy = '', ic = '', ig = '', iu = ''},
    shown > 0 and 'identity_dropped' or nil, 'why=' .. ARGV[5])
  return {'ok'}
end
if redis.call('HGET', KEYS[7], 'erasing') then return {'gone'} end
local raw = redis.call('HMGET', KEYS[2], 'v', 'until', 'code', 'ends', 'done')
if raw[1] ~= ARGV[2] then return {'gone'} end
if raw[5] then return {'done'} end
if (conv.it or '') ~= ARGV[3] then return {'gone'} end
local ends = tonumber(raw[4] or '0')
if what == 'typed' then -- the code itself stood in the chat: it is good for nothing any more
  if redis.call('HGET', KEYS[2], 'typed') == ARGV[5] then return {'ok'} end -- looked at again, after a death
  if not raw[3] or raw[3] ~= ARGV[5] then return {'none'} end
  redis.call('HDEL', KEYS[2], 'code', 'ends')
  redis.call('HSET', KEYS[2], 'typed', ARGV[5])
  write({ia = 'asked'})
  return {'ok'}
end
if now >= math.max(tonumber(raw[2]), ends) then return {'gone'} end
local counts = redis.call('HMGET', KEYS[3], 'tries', 'sends', 'until')
local tries, sends, over = tonumber(counts[1] or '0'), tonumber(counts[2] or '0'), tonumber(counts[3] or '0')
if now >= over then tries, sends = 0, 0 end
local function pause() return {'paused', text(math.max(1000, over - now))} end
local function count() -- the pause begins with the last of them
  over = now + tonumber(ARGV[9])
  redis.call('HSET', KEYS[3], 'tries', text(tries), 'sends', text(sends), 'until', text(over))
  redis.call('PEXPIRE', KEYS[3], ARGV[9])
end
local function failed(why) write({ia = 'failed', ib = text(now), iy = why}, 'identity_failed', 'why=' .. why) end
if what == 'unsent' then
  if raw[3] ~= ARGV[11] then return {'none'} end -- another one is out by now
  redis.call('HDEL', KEYS[2], 'code', 'ends')
  failed(ARGV[5])
  return {'ok'}
end
if tries >= tonumber(ARGV[7]) then return pause() end
if what == 'send' then
  if now >= tonumber(raw[2]) then return {'gone'} end
  if sends >= tonumber(ARGV[8]) then return pause() end
  sends = sends + 1
  count()
  redis.call('HSET', KEYS[2], 'code', ARGV[5], 'ends', text(now + tonumber(ARGV[6])))
  write({ia = 'sent', ib = text(now), iy = ''})
  return {'sent'}
end
if what == 'code' and (not raw[3] or now >= ends) then return {'no_code'} end
if what == 'other' or (what == 'code' and raw[3] ~= ARGV[5]) then
  tries = tries + 1
  count()
  if what == 'other' then failed('other_person') end
  if tries < tonumber(ARGV[7]) then return {'wrong', text(tonumber(ARGV[7]) - tries)} end
  redis.call('HDEL', KEYS[2], 'code', 'ends')
  if what == 'code' then failed('wrong_code') end
  return pause()
end
local act = conv.ic or ''
redis.call('HDEL', KEYS[2], 'code', 'ends')
redis.call('HSET', KEYS[2], 'done', text(now))
redis.call('DEL', KEYS[3])
local changes = {iv = text(now), ih = text(now), iw = what, ia = '', it = '', iy = '', ic = '', ig = '', iu = ''}
if act ~= '' then changes.ig, changes.iu = act, text(now + tonumber(ARGV[10])) end
write(changes, 'identity_verified', 'how=' .. what .. ' act=' .. act)
return {'verified'}
