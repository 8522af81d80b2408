package Luukku::Test::Http;

# HTTP to luukku-web, as politely or as badly as a test wants.
#
#   my $site = Luukku::Test::Http->new(port => $port);
#   my $answer = $site->get('/healthz', header => ['Accept-Language: sv']);
#   $answer = $site->post('/s/TOKEN', { in_order => 'yes', score => 9 });
#   $answer = $site->raw("GET / HTTP/1.0\r\n\r\n");     # any bytes
# An answer is { status, head, body (characters), raw }, status 0 when the connection just ended;
# header($answer, 'Name') is a header's value.

use strict;
use warnings;
use Encode ();
use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

our @EXPORT_OK = qw(header form);

sub new {
	my ($class, %option) = @_;
	return bless { port => $option{port} }, $class;
}

sub connection {
	my ($self) = @_;
	return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Proto => 'tcp', Timeout => 10);
}

# Everything until the other side ends, or nothing came for so many seconds.
sub read_all {
	my ($self, $socket, $seconds) = @_;
	my ($all, $deadline) = ('', time + ($seconds // 30));
	my $select = IO::Select->new($socket);
	while ((my $left = $deadline - time) > 0) {
		next if !$select->can_read($left);
		last if !sysread $socket, my $piece, 65536;
		$all .= $piece;
	}
	return answer($all);
}

sub answer {
	my ($bytes) = @_;
	my ($head, $body) = split /\r\n\r\n/, $bytes, 2;
	my ($status) = ($head // '') =~ m{\AHTTP/1\.[01] (\d{3})};
	return { status => $status // 0, head => $head // '', body => Encode::decode('UTF-8', $body // ''), raw => $bytes };
}

sub raw {
	my ($self, $bytes, %option) = @_;
	my $socket = $self->connection or return answer('');
	local $SIG{PIPE} = 'IGNORE';
	my $at = 0;
	while ($at < length $bytes) {
		my $n = syswrite $socket, $bytes, 65536, $at;
		last if !$n;
		$at += $n;
	}
	return $self->read_all($socket, $option{seconds});
}

sub request {
	my ($self, $method, $path, %option) = @_;
	my $body = $option{body} // '';
	my @header = ("Host: $option{host}", @{ $option{header} // [] });
	push @header, 'Content-Length: ' . length $body if $method eq 'POST';
	return $self->raw(join("\r\n", "$method $path HTTP/1.1", @header, '', $body), %option);
}

sub get  { my ($self, $path, %option) = @_; return $self->request('GET', $path, host => "127.0.0.1:$self->{port}", %option) }
sub head { my ($self, $path, %option) = @_; return $self->request('HEAD', $path, host => "127.0.0.1:$self->{port}", %option) }

sub post {
	my ($self, $path, $fields, %option) = @_;
	my @header = @{ $option{header} // [] };
	unshift @header, 'Content-Type: application/x-www-form-urlencoded' if !grep { /^Content-Type:/i } @header;
	return $self->request('POST', $path, host => "127.0.0.1:$self->{port}", %option, header => \@header,
		body => ref $fields ? form($fields) : $fields);
}

sub form {
	my ($fields) = @_;
	return join '&', map { my $v = Encode::encode('UTF-8', $fields->{$_} // ''); $v =~ s/([^\w.~-])/sprintf '%%%02X', ord $1/ge; "$_=$v" }
		sort keys %$fields;
}

sub header {
	my ($answer, $name) = @_;
	return $answer->{head} =~ /^\Q$name\E:[ \t]*(.*?)\r?$/mi ? $1 : undef;
}

1;
