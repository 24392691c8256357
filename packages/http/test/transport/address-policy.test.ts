import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isPublicAddress, refusesAddress } from '../../src/address-policy.ts';

const refused = `0.0.0.0 0.255.255.255 10.0.0.1 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 169.254.169.254
  172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7
  203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
  :: ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::FFFF:10.0.0.1 0:0:0:0:0:ffff:0a00:0001 64:ff9b::10.0.0.1 64:ff9b::7f00:1
  64:ff9b:1::1 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 3fff::1
  3fff:fff::1 5f00::1 fc00::1 fdff::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ::127.0.0.1 4000::1`.split(/\s+/);

const allowed = `1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
  172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 198.17.255.255 198.20.0.0 223.255.255.255
  2001:4860:4860::8888 2606:4700::1111 2a00::1 ::ffff:1.1.1.1 64:ff9b::8.8.8.8 2002:808:808::1 3ffe::1 2001:200::1`.split(
  /\s+/,
);

const nonsense = [
  '',
  'localhost',
  '1.2.3',
  '1.2.3.256',
  '1.2.3.4.5',
  '1::2::3',
  ':::',
  '12345::',
  '1:2:3:4:5:6:7',
  '0x7f.1',
];

test('isPublicAddress: what is private, special, reserved or carries such an address is not public', () => {
  for (const address of refused) assert.equal(isPublicAddress(address), false, address);
});

test('isPublicAddress: the neighbours of special blocks are public', () => {
  for (const address of allowed) assert.equal(isPublicAddress(address), true, address);
});

test('isPublicAddress: what is no address is not public', () => {
  for (const text of nonsense) assert.equal(isPublicAddress(text), false, text);
});

test('refusesAddress: anything but true from a function refuses', () => {
  assert.equal(refusesAddress('any', '127.0.0.1', 'h'), false);
  assert.equal(
    refusesAddress(() => true, '127.0.0.1', 'h'),
    false,
  );
  assert.equal(refusesAddress((() => 'yes') as unknown as () => boolean, '127.0.0.1', 'h'), true);
});
